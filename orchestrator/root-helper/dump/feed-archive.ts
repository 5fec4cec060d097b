// One pg_restore that is fed what the client sends, as long as it is what pg_dump gave out; what it prints goes back in frames.
import { spawn } from "node:child_process";
import type { Duplex, Writable } from "node:stream";
import { decodeFrames, framePayloadBytesMax, listingBytesMax, readExitCode, stderrBytesMax } from "../../core/backup/dump-frames.ts";
import { CutterError } from "../../core/errors.ts";
import { sendExit, waitFor, type DumpConnection } from "./connection.ts";
import { onlyEmitted, type EmittedDump } from "./emitted-dumps.ts";

/**
 * Returns the exit code, which the client got in the X frame as well. pg_restore sees the end of its input only when all of the archive was
 * right: a restore in one transaction that is cut short commits nothing. @throws DUMP_REQUEST_REFUSED, DUMP_STREAM_BROKEN,
 * DATABASE_UNREACHABLE
 */
export async function feedArchive(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  dump: EmittedDump,
  { socket, send, gone }: DumpConnection,
): Promise<number> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "pipe"], signal: gone, killSignal: "SIGTERM" });
  const printed = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  child.stdout.on("data", (bytes: Buffer) => {
    printed.stdout = Buffer.concat([printed.stdout, bytes]).subarray(0, listingBytesMax);
  });
  child.stderr.on("data", (bytes: Buffer) => {
    printed.stderr = Buffer.concat([printed.stderr, bytes]).subarray(0, stderrBytesMax);
  });
  const ended = waitFor(child);
  ended.catch(() => undefined); // awaited below
  child.stdin.on("error", () => undefined); // it reads no further than it needs; its exit code judges
  try {
    for await (const piece of onlyEmitted(readArchive(socket), dump)) await write(child.stdin, piece);
  } catch (error) {
    child.kill("SIGKILL");
    await ended.catch(() => undefined);
    throw error;
  }
  socket.resume(); // so that its end is seen
  child.stdin.end();
  const code = await ended;
  for (let start = 0; start < printed.stdout.length; start += framePayloadBytesMax)
    await send("D", printed.stdout.subarray(start, start + framePayloadBytesMax));
  if (printed.stderr.length > 0) await send("E", printed.stderr);
  return sendExit(send, code);
}

/** The client's frames, up to its word that the archive is whole. The socket stays open for the answer. */
async function* readArchive(socket: Duplex): AsyncGenerator<Buffer> {
  for await (const frame of decodeFrames(socket.iterator({ destroyOnReturn: false }))) {
    if (frame.type === "D") yield frame.payload;
    else if (frame.type === "X" && readExitCode(frame) === 0) return;
    else throw new CutterError("DUMP_REQUEST_REFUSED", { problem: "not a frame of an archive" });
  }
}

/** A program that has read enough is no obstacle: the rest is judged all the same. */
async function write(stdin: Writable, piece: Buffer): Promise<void> {
  if (!stdin.writable || stdin.write(piece)) return;
  await new Promise<void>((done) => {
    stdin.once("drain", done).once("close", done);
  });
}
