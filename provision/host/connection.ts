// One SSH connection to one pinned host: agent authentication only, deadlines, and null for an outcome nobody saw.
import { NodeSSH } from "node-ssh";
import type { Client } from "ssh2";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { machineIdFile, toHostIdentity } from "../../orchestrator/core/host/identity.ts";
import type { HostAddress } from "./address.ts";
import { readOfferedKeys, type AgentAccess, type OfferedKeys } from "./agent-keys.ts";
import { createChannels, type CommandOptions, type CommandOutcome } from "./channels.ts";
import { toHostKeyAlgorithms, toHostKeyVerifier } from "./host-key.ts";
import { toShellCommand } from "./shell.ts";
import { openSocket } from "./socket.ts";

export type { CommandOptions, CommandOutcome } from "./channels.ts";

const connectTimeoutMs = 15_000;
const identityTimeoutMs = 10_000;
const keepaliveIntervalMs = 5_000;
const keepaliveMissesMax = 3;

export interface RemoteHost {
  readonly address: HostAddress;
  /** False once the connection ended, for whatever reason. */
  isOpen(): boolean;
  /**
   * Runs a fixed script with arguments. Never throws for how the script ends; a connection that is gone gives code null.
   * @throws HOST_COMMAND_FAILED when it prints more than the cap of bytes
   */
  run(script: string, args: readonly string[], options: CommandOptions): Promise<CommandOutcome>;
  close(): void;
}

/**
 * Connects once. The pinned host key and the machine's identity are checked before this resolves, so nobody can write earlier.
 * @throws SSH_AGENT_MISSING, HOST_UNREACHABLE, HOST_KEY_MISMATCH, HOST_AUTH_REFUSED (tried once), HOST_SHELL_UNFIT, HOST_IDENTITY_MISMATCH.
 */
export async function openConnection(address: HostAddress, agent: AgentAccess): Promise<RemoteHost> {
  const keys = await readOfferedKeys(address.name, agent);
  const ssh = new NodeSSH();
  const verifier = toHostKeyVerifier(address.hostKey);
  const deadlineAt = Date.now() + connectTimeoutMs;
  try {
    const sock = await openSocket(address.host, address.port, connectTimeoutMs);
    await ssh.connect({
      sock,
      username: address.user,
      agent: keys.agent,
      authHandler: ["agent"],
      tryKeyboard: false,
      hostVerifier: verifier.verify,
      readyTimeout: Math.max(1, deadlineAt - Date.now()),
      keepaliveInterval: keepaliveIntervalMs,
      keepaliveCountMax: keepaliveMissesMax,
      algorithms: {
        serverHostKey: [...toHostKeyAlgorithms(address.hostKey)],
        kex: ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"],
        cipher: ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"],
        hmac: ["hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com"],
      },
    });
  } catch (error) {
    ssh.dispose();
    throw toConnectError(address, verifier.outcome(), keys, error);
  }
  if (verifier.outcome() !== "equal" || ssh.connection === null) {
    ssh.dispose();
    throw new CutterError("HOST_KEY_MISMATCH", { host: address.name, verifier: verifier.outcome() });
  }
  ssh.connection.setNoDelay(true);
  const host = toRemoteHost(ssh, ssh.connection, address);
  await assertIdentity(host).catch((error: unknown) => {
    host.close();
    throw error;
  });
  return host;
}

function toConnectError(address: HostAddress, keyOutcome: string, keys: OfferedKeys, cause: unknown): CutterError {
  const facts = { host: address.name, address: address.host, port: address.port };
  if (keyOutcome === "different") return new CutterError("HOST_KEY_MISMATCH", facts, { cause });
  const level = cause instanceof Error && "level" in cause ? cause.level : null;
  const said = (cause instanceof Error ? cause.message : String(cause)) || "the connection failed, and nothing says why";
  if (level === "client-authentication" || /Too many authentication failures/i.test(said)) {
    const { offered, heldBack } = keys;
    return new CutterError("HOST_AUTH_REFUSED", { ...facts, user: address.user, said, offered, held_back: heldBack }, { cause });
  }
  if (level === "agent") return new CutterError("SSH_AGENT_MISSING", { host: address.name, reason: said }, { cause });
  return new CutterError("HOST_UNREACHABLE", { ...facts, reason: said, deadline_s: connectTimeoutMs / 1000 }, { cause });
}

function toRemoteHost(ssh: NodeSSH, client: Client, address: HostAddress): RemoteHost {
  const runCommand = createChannels(client, address.name);
  let open = true;
  const ended = () => void (open = false);
  // Without this listener a late error would end the process; what it means shows as code null in each command.
  client.on("error", ended).on("end", ended).on("close", ended);
  return {
    address,
    isOpen: () => open && ssh.isConnected(),
    run: async (script, args, options) => await runCommand(toShellCommand(script, args), options),
    close: () => {
      open = false;
      ssh.dispose();
    },
  };
}

async function assertIdentity(host: RemoteHost): Promise<void> {
  const { address } = host;
  const outcome = await host.run(`cat ${machineIdFile}`, [], { timeoutMs: identityTimeoutMs });
  const facts = { host: address.name, address: address.host };
  if (outcome.shellEnded !== undefined) throw new CutterError("HOST_SHELL_UNFIT", { ...facts, seen: outcome.problem ?? "" });
  if (outcome.code === null)
    throw new CutterError("HOST_UNREACHABLE", {
      ...facts,
      port: address.port,
      reason: outcome.problem ?? "",
      deadline_s: identityTimeoutMs / 1000,
    });
  const identity = outcome.code === 0 ? toHostIdentity(outcome.stdout) : null;
  if (identity !== address.machineIdentity) {
    throw new CutterError("HOST_IDENTITY_MISMATCH", { ...facts, expected: address.machineIdentity, found: identity ?? "none" });
  }
}
