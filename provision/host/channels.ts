// Commands over one SSH connection: as many channels at a time as the server gives, a deadline and a byte cap for each.
import { ok } from "node:assert/strict";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";
import type { Client, ClientChannel } from "ssh2";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { toScriptOutput } from "./shell.ts";

/** sshd's MaxSessions is 10; 8 channels still failed under load, 6 were clean. */
const channelsMax = 6;
const openAttemptsMax = 20;
const openRetryMs = 50;

/** Of one command, stdout and stderr together: the most that any command of the kit has to say is a few MB. */
const outputBytesMax = 32 * 1024 * 1024;

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
  /** Less, or more, than the usual cap of 32 MiB. */
  readonly outputBytesMax?: number;
}

/** @throws HOST_COMMAND_FAILED when the command printed more than the cap; the channel is closed then */
export type RunCommand = (command: string, options: CommandOptions) => Promise<CommandOutcome>;

/**
 * A channel the server would not open never started its command, so asking again is safe. While others of ours are open there is no room
 * for more of them: from then on no more than these are used, one at the least. `hostName` stands in errors.
 */
export function createChannels(client: Client, hostName: string): RunCommand {
  const limit = pLimit(channelsMax);
  const open = new Set<ClientChannel>();
  return async (command, options) => {
    for (let refusals = 0; ;) {
      const outcome = await limit(async () => await runWithin(client, hostName, command, options, open));
      if (typeof outcome !== "string") return outcome;
      if (open.size > 0) limit.concurrency = Math.min(limit.concurrency, open.size);
      else if ((refusals += 1) === openAttemptsMax)
        return toUnknown(`sshd opened no session for it (${outcome}); MaxSessions in its sshd_config must be 1 or more`);
      else await sleep(openRetryMs * refusals); // a loaded host frees ended sessions late
    }
  };
}

async function runWithin(
  client: Client,
  hostName: string,
  command: string,
  options: CommandOptions,
  open: Set<ClientChannel>,
): Promise<CommandOutcome | string> {
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
    open.add(channel);
    channel.on("close", () => open.delete(channel));
  };
  return await Promise.race([execute(client, hostName, command, options, onChannel), deadline]).finally(() => clearTimeout(timer));
}

/** The text is the server's, which would open no channel. */
async function execute(
  client: Client,
  hostName: string,
  command: string,
  options: CommandOptions,
  onChannel: (channel: ClientChannel) => void,
): Promise<CommandOutcome | string> {
  let end: Promise<Ended> | undefined;
  try {
    await openChannel(client, command, (channel) => {
      onChannel(channel);
      end = readToEnd(channel, hostName, options.outputBytesMax ?? outputBytesMax);
      if (Buffer.isBuffer(options.stdin)) channel.end(options.stdin);
      else if (options.stdin === undefined) channel.end();
      else options.stdin.pipe(channel);
    });
  } catch (error) {
    return isOpenRefused(error) ? error.message : toUnknown(error instanceof Error ? error.message : String(error));
  }
  ok(end);
  const { code, signal, stdout, stderr } = await end;
  const [said, complained] = [toScriptOutput(stdout), toScriptOutput(stderr)];
  if (code !== null && said === null)
    return { ...toUnknown(`root's shell ended with ${code}: ${(stderr || stdout).trim().slice(0, 200)}`), shellEnded: code };
  const problem = signal === null ? "the channel closed without an exit code" : `ended by ${signal}`;
  return { code, stdout: said ?? "", stderr: complained ?? "", ...(code === null ? { problem } : {}) };
}

/** `listen` is called at once: what a quick command says arrives before any promise could tell of its channel. */
function openChannel(client: Client, command: string, listen: (channel: ClientChannel) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClose = (): void => reject(new Error("the connection is closed"));
  client.once("error", reject).once("close", onClose);
  try {
    client.exec(command, (error, channel) => {
      if (error) return reject(error);
      listen(channel);
      resolve();
    });
  } catch {
    onClose(); // ssh2 throws where the line was cut before
  }
  return promise.finally(() => client.off("error", reject).off("close", onClose));
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function readToEnd(channel: ClientChannel, hostName: string, bytesMax: number): Promise<Ended> {
  return new Promise((done, fail) => {
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let bytes = 0;
    const keep = (into: Buffer[]) => (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) return void into.push(chunk);
      for (const kept of [chunks.stdout, chunks.stderr]) kept.length = 0;
      channel.destroy();
      fail(
        new CutterError("HOST_COMMAND_FAILED", {
          host: hostName,
          reason: "it printed more than the cap",
          cap_bytes: bytesMax,
          ends: toText([chunk]).slice(0, 200),
        }),
      );
    };
    let [code, signal]: [number | null, string | null] = [null, null];
    channel.on("data", keep(chunks.stdout));
    channel.stderr.on("data", keep(chunks.stderr));
    channel.on("exit", (exitCode: number | null, signalName?: string) => ([code, signal] = [exitCode, signalName ?? null]));
    channel.on("error", () => undefined); // a close follows
    channel.on("close", () => done({ code, signal, stdout: toText(chunks.stdout), stderr: toText(chunks.stderr) }));
  });
}

/** ssh2 carries the server's reason number on exactly this error. */
function isOpenRefused(error: unknown): error is Error {
  return error instanceof Error && "reason" in error && error.message.includes("Channel open failure");
}

function toUnknown(problem: string): CommandOutcome {
  return { code: null, stdout: "", stderr: "", problem };
}

function toText(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString("utf8");
}
