// One SSH connection to one pinned host: agent authentication only, six channels, deadlines, and null for an outcome nobody saw.
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { NodeSSH } from "node-ssh";
import pLimit from "p-limit";
import type { ClientChannel } from "ssh2";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { machineIdFile, toHostIdentity } from "../../orchestrator/core/host/identity.ts";
import type { HostAddress } from "./address.ts";
import { toHostKeyAlgorithms, toHostKeyVerifier } from "./host-key.ts";
import { toScriptOutput, toShellCommand } from "./shell.ts";

/** sshd's MaxSessions is 10; 8 channels still failed under load, 6 were clean. */
const channelsMax = 6;
const openAttemptsMax = 20;
const openRetryMs = 50;
const connectTimeoutMs = 15_000;
const identityTimeoutMs = 10_000;
const keepaliveIntervalMs = 5_000;
const keepaliveMissesMax = 3;

/**
 * `code` null: the connection was cut or the deadline passed, so the outcome is unknown; `problem` says what was seen. Only 0 is success.
 * `shellEnded`: root's shell came to an end of its own, with that code, before the script began.
 */
export interface CommandOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly problem?: string;
  readonly shellEnded?: number;
}

export interface CommandOptions {
  readonly timeoutMs: number;
  readonly stdin?: Buffer | Readable;
}

export interface RemoteHost {
  readonly address: HostAddress;
  /** False once the connection ended, for whatever reason. */
  isOpen(): boolean;
  /** Runs a fixed script with arguments. Never throws for what the script does; a connection that is gone gives code null. */
  run(script: string, args: readonly string[], options: CommandOptions): Promise<CommandOutcome>;
  close(): void;
}

/**
 * Connects once. The pinned host key and the machine's identity are checked before this resolves, so nobody can write earlier.
 * @throws SSH_AGENT_MISSING, HOST_UNREACHABLE, HOST_KEY_MISMATCH, HOST_AUTH_REFUSED (tried once), HOST_SHELL_UNFIT, HOST_IDENTITY_MISMATCH.
 */
export async function openConnection(address: HostAddress, agentSocket: string | null): Promise<RemoteHost> {
  if (agentSocket === null) throw new CutterError("SSH_AGENT_MISSING", { host: address.name });
  const ssh = new NodeSSH();
  const verifier = toHostKeyVerifier(address.hostKey);
  try {
    await ssh.connect({
      host: address.host,
      port: address.port,
      username: address.user,
      agent: agentSocket,
      authHandler: ["agent"],
      tryKeyboard: false,
      hostVerifier: verifier.verify,
      readyTimeout: connectTimeoutMs,
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
    throw toConnectError(address, verifier.outcome(), error);
  }
  if (verifier.outcome() !== "equal") {
    ssh.dispose();
    throw new CutterError("HOST_KEY_MISMATCH", { host: address.name, verifier: verifier.outcome() });
  }
  ssh.connection?.setNoDelay(true);
  const host = toRemoteHost(ssh, address);
  await assertIdentity(host).catch((error: unknown) => {
    host.close();
    throw error;
  });
  return host;
}

function toConnectError(address: HostAddress, keyOutcome: string, cause: unknown): CutterError {
  const facts = { host: address.name, address: address.host, port: address.port };
  if (keyOutcome === "different") return new CutterError("HOST_KEY_MISMATCH", facts, { cause });
  const level = cause instanceof Error && "level" in cause ? cause.level : null;
  if (level === "client-authentication") return new CutterError("HOST_AUTH_REFUSED", { ...facts, user: address.user }, { cause });
  if (level === "agent") return new CutterError("SSH_AGENT_MISSING", { host: address.name }, { cause });
  return new CutterError(
    "HOST_UNREACHABLE",
    { ...facts, reason: cause instanceof Error ? cause.message : String(cause), deadline_s: connectTimeoutMs / 1000 },
    { cause },
  );
}

function toRemoteHost(ssh: NodeSSH, address: HostAddress): RemoteHost {
  const limit = pLimit(channelsMax);
  let open = true;
  const ended = () => void (open = false);
  // Without this listener a late error would end the process; what it means shows as code null in each command.
  ssh.connection?.on("error", ended).on("end", ended).on("close", ended);
  return {
    address,
    isOpen: () => open && ssh.isConnected(),
    run: (script, args, options) => limit(() => runOnChannel(ssh, toShellCommand(script, args), options)),
    close: () => {
      open = false;
      ssh.dispose();
    },
  };
}

async function runOnChannel(ssh: NodeSSH, command: string, options: CommandOptions): Promise<CommandOutcome> {
  let closeChannel = () => {};
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<CommandOutcome>((resolve) => {
    timer = setTimeout(() => {
      closeChannel();
      resolve(toUnknown(`no end after ${options.timeoutMs} ms`));
    }, options.timeoutMs);
  });
  const onChannel = (channel: ClientChannel): void => {
    closeChannel = () => channel.destroy();
    if (Buffer.isBuffer(options.stdin)) channel.write(options.stdin);
  };
  return await Promise.race([execute(ssh, command, options, onChannel), deadline]).finally(() => clearTimeout(timer));
}

/** A channel the server would not open never started its command, so asking again is safe: a loaded host frees ended sessions late. */
async function execute(
  ssh: NodeSSH,
  command: string,
  options: CommandOptions,
  onChannel: (channel: ClientChannel) => void,
): Promise<CommandOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    if (!ssh.isConnected()) return toUnknown("the connection is closed");
    try {
      // latin1 keeps every byte as one character: a multi-byte character cut between two packets must not be damaged.
      const stdin = options.stdin === undefined || Buffer.isBuffer(options.stdin) ? {} : { stdin: options.stdin };
      const { code, signal, stdout, stderr } = await ssh.execCommand(command, { encoding: "latin1", noTrim: true, ...stdin, onChannel });
      const [said, complained] = [toScriptOutput(fromLatin1(stdout)), toScriptOutput(fromLatin1(stderr))];
      if (code !== null && said === null)
        return { ...toUnknown(`root's shell ended with ${code}: ${(stderr || stdout).trim().slice(0, 200)}`), shellEnded: code };
      const problem = signal === null ? "the channel closed without an exit code" : `ended by ${signal}`;
      return { code, stdout: said ?? "", stderr: complained ?? "", ...(code === null ? { problem } : {}) };
    } catch (error) {
      if (!isOpenRefused(error) || attempt === openAttemptsMax) return toUnknown(error instanceof Error ? error.message : String(error));
      await sleep(openRetryMs * attempt);
    }
  }
}

/** ssh2 carries the server's reason number on exactly this error. */
function isOpenRefused(error: unknown): boolean {
  return error instanceof Error && "reason" in error && error.message.includes("Channel open failure");
}

function toUnknown(problem: string): CommandOutcome {
  return { code: null, stdout: "", stderr: "", problem };
}

function fromLatin1(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
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
