// The one way the orchestrator starts another program: an argv array, an explicit environment, a deadline, a cap on what is kept.
import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CutterError } from "../../core/errors.ts";

export interface ProcessRequest {
  readonly file: string; // looked up in env.PATH
  readonly args: readonly string[]; // never a secret: argv is public
  readonly env: Readonly<Record<string, string>>; // the whole environment; nothing is inherited
  readonly stdin: Readable | Buffer | null;
  readonly stdout: Writable | "keep"; // a stream to write into, or kept in memory up to the cap
  readonly deadlineMs: number;
  readonly keepBytesMax: number; // cap of kept stdout, and of stderr
  readonly signal?: AbortSignal; // kills it as well
}

export interface ProcessResult {
  readonly code: number; // 0 is the only success
  readonly stdout: Buffer; // empty unless "keep"
  readonly stderr: string;
}

/**
 * Runs to the end and gives the exit code; a non-zero code is the caller's to judge.
 * @throws what the signal says, PROCESS_FAILED (killed), PROCESS_FAILED (by a signal), PROCESS_FAILED,
 * or the error of the stream that feeds or takes the bytes.
 */
export async function runProcess(request: ProcessRequest): Promise<ProcessResult> {
  const deadline = AbortSignal.timeout(request.deadlineMs);
  const overflow = new AbortController();
  const child = spawn(request.file, request.args, {
    env: request.env,
    stdio: ["pipe", "pipe", "pipe"],
    signal: AbortSignal.any([deadline, overflow.signal, ...(request.signal === undefined ? [] : [request.signal])]),
    killSignal: "SIGKILL",
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((done, fail) => {
    child.once("error", fail);
    child.once("close", (code, signal) => done({ code, signal }));
  });
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let stderr = "";
  child.stderr.on("data", (bytes: Buffer) => {
    stderr = (stderr + bytes.toString("utf8")).slice(0, request.keepBytesMax);
  });
  if (request.stdout === "keep") {
    child.stdout.on("data", (bytes: Buffer) => {
      keptBytes += bytes.length;
      if (keptBytes > request.keepBytesMax) overflow.abort();
      else kept.push(bytes);
    });
  }
  const fed = feed(request.stdin, child.stdin);
  const taken = request.stdout === "keep" ? Promise.resolve() : pipeline(child.stdout, request.stdout);
  const [end, feedEnd, takeEnd] = await Promise.allSettled([ended, fed, taken]);
  request.signal?.throwIfAborted();
  if (overflow.signal.aborted)
    throw new CutterError("PROCESS_FAILED", { reason: "output_too_large", program: request.file, bytes_max: request.keepBytesMax });
  if (deadline.aborted)
    throw new CutterError("PROCESS_FAILED", { reason: "deadline", program: request.file, deadline_ms: request.deadlineMs });
  if (end.status === "rejected")
    throw new CutterError("PROCESS_FAILED", { reason: "not_started", program: request.file }, { cause: end.reason });
  if (takeEnd.status === "rejected") throw takeEnd.reason;
  if (feedEnd.status === "rejected") throw feedEnd.reason;
  if (end.value.code === null)
    throw new CutterError("PROCESS_FAILED", { reason: "killed", program: request.file, signal: end.value.signal ?? "unknown" });
  return { code: end.value.code, stdout: Buffer.concat(kept), stderr };
}

/**
 * A program that ends before it has read everything closes its stdin: that is its right, and its exit code tells why. A source that breaks
 * off is an error.
 */
async function feed(source: Readable | Buffer | null, stdin: Writable): Promise<void> {
  stdin.on("error", () => undefined); // seen by pipeline or irrelevant: the exit code judges
  if (source === null || Buffer.isBuffer(source)) {
    stdin.end(source ?? undefined);
    return;
  }
  // Who closed first tells the two apart: pipeline closes the other side, and then both errors look alike.
  let readerClosed = false;
  const notice = () => {
    readerClosed ||= !source.destroyed || source.readableEnded;
  };
  stdin.once("error", notice).once("close", notice);
  await pipeline(source, stdin).catch((error: unknown) => {
    if (!readerClosed) throw error;
  });
}
