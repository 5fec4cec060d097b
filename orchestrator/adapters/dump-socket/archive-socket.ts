// The way to pg_restore: the same root helper, which reads the archive from us and tells what it found, or restores it into the scratch
// database.
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import {
  encodeFrame,
  framePayloadBytesMax,
  listingBytesMax,
  readExitCode,
  stderrBytesMax,
  type Frame,
} from "../../core/backup/dump-frames.ts";
import { CutterError } from "../../core/errors.ts";
import type { ArchiveReader } from "../../ports/backup.ts";
import { ask, readVersionFrame, type DumpSocketOptions } from "./ask.ts";

/** @throws DUMP_UNREACHABLE, DUMP_STREAM_BROKEN, or the archive's own error; an exit code that is not 0 is the caller's to judge. */
export function archiveSocket(options: DumpSocketOptions): ArchiveReader {
  return {
    list: (archive, sha256) => exchange(options, "list", archive, sha256),
    restore: async (archive, sha256) => {
      const { code, stderr } = await exchange(options, "restore", archive, sha256);
      return { code, stderr };
    },
  };
}

interface ArchiveAnswer {
  readonly code: number;
  readonly listing: string;
  readonly stderr: string;
}

/** A helper that refuses midway says why and closes: its answer is worth more than the broken pipe it leaves. */
async function exchange(options: DumpSocketOptions, op: "list" | "restore", archive: Readable, sha256: string): Promise<ArchiveAnswer> {
  const { frames, socket } = await ask(options, { op, sha256 });
  try {
    await readVersionFrame(frames);
    const [answer, sent] = await Promise.allSettled([readAnswer(frames), send(socket, archive)]);
    if (sent.status === "rejected" && !socket.destroyed) throw sent.reason;
    if (answer.status === "fulfilled") return answer.value;
    throw sent.status === "rejected" && archive.errored !== null ? archive.errored : answer.reason;
  } finally {
    socket.destroy();
  }
}

/** The archive in frames, then the word that it is whole. */
async function send(socket: Socket, archive: Readable): Promise<void> {
  const closed = new AbortController();
  socket.once("close", () => closed.abort());
  const write = async (frame: Buffer) => {
    if (!socket.write(frame)) await once(socket, "drain", { signal: closed.signal });
    closed.signal.throwIfAborted();
  };
  try {
    for await (const chunk of archive.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer;
      for (let start = 0; start < bytes.length; start += framePayloadBytesMax)
        await write(encodeFrame("D", bytes.subarray(start, start + framePayloadBytesMax)));
    }
    await write(encodeFrame("X", Buffer.from('{"code":0}')));
  } catch (error) {
    if (!closed.signal.aborted) socket.destroy(); // the archive broke off: the helper must not wait for its rest
    throw error;
  }
}

async function readAnswer(frames: AsyncGenerator<Frame>): Promise<ArchiveAnswer> {
  const listing: Buffer[] = [];
  let listingBytes = 0;
  let stderr = "";
  for await (const frame of frames) {
    if (frame.type === "X") return { code: readExitCode(frame), listing: Buffer.concat(listing).toString("utf8"), stderr };
    if (frame.type === "E") stderr = (stderr + frame.payload.toString("utf8")).slice(0, stderrBytesMax);
    if (frame.type === "D") {
      listingBytes += frame.payload.length;
      if (listingBytes > listingBytesMax) throw new CutterError("DUMP_STREAM_BROKEN", { why: "the listing is larger than any of ours" });
      listing.push(frame.payload);
    }
  }
  throw new CutterError("DUMP_STREAM_BROKEN", { why: "no exit code" });
}
