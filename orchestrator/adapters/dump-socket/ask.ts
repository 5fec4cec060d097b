// One request on the dump socket, and the frames that answer it.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { decodeFrames, type DumpSocketRequest, type Frame } from "../../core/backup/dump-frames.ts";
import { CutterError } from "../../core/errors.ts";

export interface DumpSocketOptions {
  readonly path: string; // e.g. /run/cutter/dump.sock
  readonly idleMs: number; // longest silence of the helper before it counts as gone
  readonly signal?: AbortSignal; // closes the connection; whoever waits gets its reason
}

/** @throws DUMP_UNREACHABLE when nobody answers; the frames throw DUMP_STREAM_BROKEN when they are not whole. */
export async function ask(
  { path, idleMs, signal }: DumpSocketOptions,
  request: DumpSocketRequest,
): Promise<{ readonly frames: AsyncGenerator<Frame>; readonly socket: Socket }> {
  const socket = connect({ path, ...(signal === undefined ? {} : { signal }) });
  await once(socket, "connect").catch((error: unknown) => {
    throw new CutterError("DUMP_UNREACHABLE", { path }, { cause: error });
  });
  socket.setTimeout(idleMs, () =>
    socket.destroy(new CutterError("DUMP_STREAM_BROKEN", { why: "the helper fell silent", idle_ms: idleMs })),
  );
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

/** The first frame. A refusal comes in its place, in the helper's own words. @throws DUMP_STREAM_BROKEN */
export async function readVersionFrame(frames: AsyncGenerator<Frame>): Promise<string> {
  const first = await frames.next();
  if (first.done === true || first.value.type !== "V") {
    const why = first.done !== true && first.value.type === "E" ? first.value.payload.toString("utf8").slice(0, 400) : "no version frame";
    await frames.return(undefined);
    throw new CutterError("DUMP_STREAM_BROKEN", { why });
  }
  return first.value.payload.toString("utf8");
}
