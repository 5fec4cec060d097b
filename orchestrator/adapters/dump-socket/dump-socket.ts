// The way to pg_dump: a root helper behind a unix socket runs it, we read its frames. The orchestrator itself never reaches Docker.
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { DumpSource } from "../../ports/backup.ts";
import { readExitCode, stderrBytesMax, type Frame } from "../../core/backup/dump-frames.ts";
import { CutterError } from "../../core/errors.ts";
import { ask, readVersionFrame, type DumpSocketOptions } from "./ask.ts";

/**
 * @throws DUMP_UNREACHABLE when nobody answers, DUMP_STREAM_BROKEN when the frames are not whole; a non-zero exit code is the caller's to
 * judge.
 */
export function dumpSocket(options: DumpSocketOptions): DumpSource {
  return {
    async readVersion() {
      const { frames } = await ask(options, { op: "version" });
      const version = await readVersionFrame(frames);
      for await (const frame of frames)
        if (frame.type === "X" && readExitCode(frame) !== 0)
          throw new CutterError("DUMP_UNREACHABLE", { path: options.path, exit_code: readExitCode(frame) });
      return version;
    },
    async open({ snapshotId, tables }) {
      const { frames, socket } = await ask(options, { op: "dump", snapshot: snapshotId, tables: [...tables] });
      const pgDumpVersion = await readVersionFrame(frames);
      const ended = Promise.withResolvers<{ readonly code: number; readonly stderr: string }>();
      ended.promise.catch(() => undefined); // the stream throws the same error to whoever reads it
      return { pgDumpVersion, stream: toStream(socket, dumpBytes(frames, ended), ended), exit: ended.promise };
    },
  };
}

type DumpEnd = ReturnType<typeof Promise.withResolvers<{ readonly code: number; readonly stderr: string }>>;

/**
 * Given up, it closes the socket at once: also before the first read, and while a read waits for a helper that says nothing. Readable.from
 * does neither.
 */
function toStream(socket: Socket, bytes: AsyncGenerator<Buffer>, ended: DumpEnd): Readable {
  return new Readable({
    read() {
      bytes.next().then(
        (next) => this.push(next.done === true ? null : next.value),
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error("the dump broke off", { cause: error })),
      );
    },
    destroy(error, done) {
      socket.destroy();
      ended.reject(error ?? new CutterError("DUMP_STREAM_BROKEN", { why: "the stream was given up" }));
      done(error);
    },
  });
}

async function* dumpBytes(frames: AsyncGenerator<Frame>, ended: DumpEnd): AsyncGenerator<Buffer> {
  let stderr = "";
  for await (const frame of frames) {
    if (frame.type === "D") yield frame.payload;
    if (frame.type === "E") stderr = (stderr + frame.payload.toString("utf8")).slice(0, stderrBytesMax);
    if (frame.type === "X") ended.resolve({ code: readExitCode(frame), stderr });
  }
}
