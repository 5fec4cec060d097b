// The way to pg_dump: a root helper behind a unix socket runs it, we read its frames. The orchestrator itself never reaches Docker.
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { Readable } from "node:stream";
import type { DumpSource } from "../../ports/backup.ts";
import { decodeFrames, readExitCode, stderrBytesMax, type DumpSocketRequest, type Frame } from "../../core/dump-frames.ts";
import { CutterError } from "../../core/errors.ts";

export interface DumpSocketOptions {
  readonly path: string; // e.g. /run/cutter/dump.sock
  readonly idleMs: number; // longest silence of the helper before it counts as gone
}

/** @throws DUMP_UNREACHABLE when nobody answers, DUMP_STREAM_BROKEN when the frames are not whole; a non-zero exit code is the caller's to judge. */
export function dumpSocket(options: DumpSocketOptions): DumpSource {
  return {
    async readVersion() {
      const { frames } = await ask(options, { op: "version" });
      const version = await readVersionFrame(frames);
      for await (const frame of frames) if (frame.type === "X" && readExitCode(frame) !== 0) throw new CutterError("DUMP_UNREACHABLE", { path: options.path, exit_code: readExitCode(frame) });
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

async function ask({ path, idleMs }: DumpSocketOptions, request: DumpSocketRequest): Promise<{ readonly frames: AsyncGenerator<Frame>; readonly socket: Socket }> {
  const socket = connect({ path });
  await once(socket, "connect").catch((error: unknown) => {
    throw new CutterError("DUMP_UNREACHABLE", { path }, { cause: error });
  });
  socket.setTimeout(idleMs, () => socket.destroy(new CutterError("DUMP_STREAM_BROKEN", { why: "the helper fell silent", idle_ms: idleMs })));
  socket.write(`${JSON.stringify(request)}\n`); // and kept open: some helpers end when their input does
  return { frames: closing(socket), socket };
}

async function* closing(socket: Socket): AsyncGenerator<Frame> {
  try {
    yield* decodeFrames(socket);
  } finally {
    socket.destroy();
  }
}

async function readVersionFrame(frames: AsyncGenerator<Frame>): Promise<string> {
  const first = await frames.next();
  if (first.done === true || first.value.type !== "V") {
    const why = first.done !== true && first.value.type === "E" ? first.value.payload.toString("utf8").slice(0, 400) : "no version frame";
    await frames.return(undefined);
    throw new CutterError("DUMP_STREAM_BROKEN", { why });
  }
  return first.value.payload.toString("utf8");
}

type Ended = ReturnType<typeof Promise.withResolvers<{ readonly code: number; readonly stderr: string }>>;

/** Given up, it closes the socket at once: also before the first read, and while a read waits for a helper that says nothing. Readable.from does neither. */
function toStream(socket: Socket, bytes: AsyncGenerator<Buffer>, ended: Ended): Readable {
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

async function* dumpBytes(frames: AsyncGenerator<Frame>, ended: Ended): AsyncGenerator<Buffer> {
  let stderr = "";
  for await (const frame of frames) {
    if (frame.type === "D") yield frame.payload;
    if (frame.type === "E") stderr = (stderr + frame.payload.toString("utf8")).slice(0, stderrBytesMax);
    if (frame.type === "X") ended.resolve({ code: readExitCode(frame), stderr });
  }
}
