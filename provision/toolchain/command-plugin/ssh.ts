// One command over one SSH connection, to the host whose key is pinned, and to no other.
import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Client, type BaseAgent, type ClientChannel, type ServerHostKeyAlgorithm } from "ssh2";
import { readOfferedKeys } from "../../host/agent-keys.ts";
import { findAgentKey } from "../../host/agent-socket.ts";
import { openSocket } from "../../host/socket.ts";
import type { CommandInputs, Connection, Endpoint } from "./inputs.ts";
import { LineSplitter } from "./line-splitter.ts";

export interface SshRun {
  readonly command: string;
  readonly inputs: CommandInputs;
  /** Offered to the command as PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR; a server may refuse them. */
  readonly previous: { readonly stdout: string; readonly stderr: string };
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

const keepaliveIntervalMs = 15_000;
const keepaliveCountMax = 4;
const retryPauseMs = { first: 100, most: 5_000 };
const noLimitMs = 2 ** 31 - 1;
/** stdout and stderr together: what is kept is recorded in the state. */
const outputBytesMax = 32 * 1024 * 1024;

/**
 * Runs `command` to its end and returns what it wrote, one final newline less each. Throws when it exits other than 0, with the command and
 * its output as the official provider does; when the connection breaks, that its outcome is unknown. A command is never run twice.
 */
export async function runOverSsh(run: SshRun): Promise<{ stdout: string; stderr: string }> {
  run.signal.throwIfAborted();
  const opened: Client[] = [];
  const close = (): void => opened.forEach((client) => client.destroy());
  run.signal.addEventListener("abort", close, { once: true });
  try {
    const client = await dial(run.inputs.connection, opened, run.signal);
    const environment = run.inputs.environment ?? {};
    for (const [name, value] of Object.entries(environment)) await proveAccepted(client, name, value);
    return await execute(client, run, environment);
  } finally {
    run.signal.removeEventListener("abort", close);
    close();
  }
}

async function dial(connection: Connection, opened: Client[], signal: AbortSignal): Promise<Client> {
  const { proxy, ...target } = connection;
  if (proxy === undefined) return connectWithRetries(target, opened, signal);
  const bastion = await connectWithRetries(proxy, opened, signal);
  const tunnel = await new Promise<ClientChannel>((done, fail) => {
    bastion.forwardOut("127.0.0.1", 0, target.host, target.port, (error, stream) => (error ? fail(error) : done(stream)));
  });
  return connect(target, opened, tunnel, await chooseAgent(target));
}

/** The kit's choice among many keys: a server ends the connection after the sixth that it refuses. */
async function chooseAgent(endpoint: Endpoint): Promise<BaseAgent | null> {
  const socket = endpoint.agentSocketPath ?? process.env.SSH_AUTH_SOCK ?? "";
  if (socket === "" || endpoint.privateKey !== undefined || endpoint.password !== undefined) return null;
  const wanted = endpoint.agentSocketPath === undefined ? findAgentKey() : null;
  return (await readOfferedKeys(endpoint.host, { socket, wanted })).agent;
}

/** Only an unreachable host is tried again: a wrong key or a refused login stays one, and repeating it gets the address banned. */
async function connectWithRetries(endpoint: Endpoint, opened: Client[], signal: AbortSignal): Promise<Client> {
  let pauseMs = retryPauseMs.first;
  const agent = await chooseAgent(endpoint);
  for (let failures = 0; ;) {
    try {
      const deadlineMs = endpoint.perDialTimeout === 0 ? noLimitMs : endpoint.perDialTimeout * 1000;
      const socket = await openSocket(endpoint.host, endpoint.port, deadlineMs).catch((cause: unknown) => {
        throw Object.assign(cause instanceof Error ? cause : new Error(String(cause)), { level: "client-socket" }); // as ssh2 marks its own
      });
      signal.throwIfAborted();
      return await connect(endpoint, opened, socket, agent);
    } catch (error) {
      failures += 1;
      const final = signal.aborted || !isUnreachable(error) || (endpoint.dialErrorLimit >= 0 && failures > endpoint.dialErrorLimit);
      if (final)
        throw new Error(`after ${failures} failed attempts: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      await wait(pauseMs, undefined, { signal });
      pauseMs = Math.min(pauseMs * 1.5, retryPauseMs.most);
    }
  }
}

function isUnreachable(error: unknown): boolean {
  const level: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "level") : null;
  return level === "client-socket" || level === "client-timeout";
}

function connect(endpoint: Endpoint, opened: Client[], sock: ClientChannel | Socket, agent: BaseAgent | null): Promise<Client> {
  const [type = "", blob = ""] = endpoint.hostKey.split(" ");
  const pinned = createHash("sha256").update(Buffer.from(blob, "base64")).digest();
  let verified: boolean | null = null;
  const client = new Client();
  opened.push(client);
  return new Promise<Client>((done, fail) => {
    client.on("ready", () => (verified === true ? done(client) : fail(new Error("the host key was not checked"))));
    client.on("error", (error) =>
      fail(verified === false ? new Error("host key mismatch: the host shows another key than connection.hostKey") : error),
    ); // stays listening: an error after "ready" must not end the process
    client.on("close", () => fail(new Error("the connection was closed")));
    client.connect({
      sock,
      username: endpoint.user,
      algorithms: { serverHostKey: toHostKeyAlgorithms(type) },
      hostVerifier: (key: Buffer): boolean => {
        verified = timingSafeEqual(createHash("sha256").update(key).digest(), pinned);
        return verified;
      },
      readyTimeout: endpoint.perDialTimeout * 1000,
      keepaliveInterval: keepaliveIntervalMs,
      keepaliveCountMax,
      ...(agent === null ? {} : { agent }),
      ...(endpoint.privateKey === undefined ? {} : { privateKey: endpoint.privateKey }),
      ...(endpoint.privateKeyPassword === undefined ? {} : { passphrase: endpoint.privateKeyPassword }),
      ...(endpoint.password === undefined ? {} : { password: endpoint.password }),
    });
  });
}

/** The server is asked for the pinned key's kind only; an RSA key signs with SHA-2. */
function toHostKeyAlgorithms(keyType: string): ServerHostKeyAlgorithm[] {
  if (keyType === "ssh-rsa") return ["rsa-sha2-512", "rsa-sha2-256"];
  const known = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"] as const;
  const found = known.find((name) => name === keyType);
  if (found === undefined) throw new Error(`connection.hostKey is of an unknown kind: ${keyType}`);
  return [found];
}

/** A server that does not AcceptEnv drops a variable in silence, so the value is asked back before the command may rely on it. */
async function proveAccepted(client: Client, name: string, value: string): Promise<void> {
  const seen = await collect(client, `printenv ${name}`, { [name]: value }, null, () => undefined);
  if (seen.code === 0 && seen.stdout === `${value}\n`) return;
  throw new Error(
    `could not set environment variable "${name}": the SSH server must allow it by AcceptEnv; or write it before the ` +
      "command: NAME=value command",
  );
}

async function execute(
  client: Client,
  run: SshRun,
  environment: Readonly<Record<string, string>>,
): Promise<{ stdout: string; stderr: string }> {
  const { inputs, previous } = run;
  const offered = inputs.addPreviousOutputInEnv
    ? {
        ...(previous.stdout === "" ? {} : { PULUMI_COMMAND_STDOUT: previous.stdout }),
        ...(previous.stderr === "" ? {} : { PULUMI_COMMAND_STDERR: previous.stderr }),
      }
    : {};
  const shown = {
    stdout: ["stdout", "stdoutAndStderr"].includes(inputs.logging),
    stderr: ["stderr", "stdoutAndStderr"].includes(inputs.logging),
  };
  const splitters = { stdout: new LineSplitter(run.onLine), stderr: new LineSplitter(run.onLine) };
  const result = await collect(client, run.command, { ...environment, ...offered }, inputs.stdin ?? null, (chunk, stream) => {
    if (shown[stream]) splitters[stream].write(chunk);
  });
  splitters.stdout.end();
  splitters.stderr.end();
  if (result.code === 0) return { stdout: withoutFinalNewline(result.stdout), stderr: withoutFinalNewline(result.stderr) };
  const how =
    result.code !== null
      ? `Process exited with status ${result.code}`
      : result.signal !== null
        ? `Process exited with signal ${result.signal}`
        : "the connection broke and the outcome is unknown";
  throw new Error(`${how}: running ${JSON.stringify(run.command)}:\n${result.both}`);
}

interface Collected {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly both: string;
}

function collect(
  client: Client,
  command: string,
  env: Readonly<Record<string, string>>,
  stdin: string | null,
  onChunk: (chunk: Buffer, stream: "stdout" | "stderr") => void,
): Promise<Collected> {
  return new Promise((done, fail) => {
    client.exec(command, { env: { ...env } }, (error, channel) => {
      if (error) return fail(error);
      const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[], both: [] as Buffer[] };
      let bytes = 0;
      const keep = (stream: "stdout" | "stderr") => (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > outputBytesMax) {
          fail(
            new Error(`the command printed more than ${outputBytesMax} bytes, the cap of one command: running ${JSON.stringify(command)}`),
          );
          return void channel.destroy();
        }
        chunks[stream].push(chunk);
        chunks.both.push(chunk);
        onChunk(chunk, stream);
      };
      let code: number | null = null;
      let signal: string | null = null;
      channel.on("data", keep("stdout"));
      channel.stderr.on("data", keep("stderr"));
      channel.on("exit", (exitCode: number | null, signalName?: string) => {
        code = exitCode;
        signal = signalName ?? null;
      });
      channel.on("error", fail);
      channel.on("close", () => {
        const text = (parts: Buffer[]): string => Buffer.concat(parts).toString("utf8");
        done({ code, signal, stdout: text(chunks.stdout), stderr: text(chunks.stderr), both: text(chunks.both) });
      });
      channel.end(stdin ?? undefined);
    });
  });
}

function withoutFinalNewline(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
