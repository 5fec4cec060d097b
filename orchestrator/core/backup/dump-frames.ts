// The frames in which a root helper answers: a stream alone carries neither an exit code nor who is speaking.
// One frame is 1 byte type, 4 bytes length (big-endian), payload. V version (text), D bytes of the dump or of the listing, E stderr bytes,
// X exit ({"code": n}, last). For `list` and `restore` the client waits for V and then sends the archive in frames of its own: D …, and X
// with code 0 when it is whole.
import { z } from "zod";
import { CutterError } from "../errors.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

export type FrameType = "V" | "D" | "E" | "X";
export interface Frame {
  readonly type: FrameType;
  readonly payload: Buffer;
}

const headerBytes = 5;
export const framePayloadBytesMax = 1024 * 1024;
export const stderrBytesMax = 8 * 1024;
/** Of `pg_restore --list`; the narrow backup has some dozens of lines. */
export const listingBytesMax = 1024 * 1024;

/** A table by its qualified name, lower case, as sql/contract lists it. */
const tableName = z.string().regex(/^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$/);

/** What a client may ask, on one line of JSON. */
export const dumpRequestSchema = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("version") }),
  z.strictObject({
    op: z.literal("dump"),
    snapshot: z.string().regex(/^[0-9A-F]{8}-[0-9A-F]{8}-[0-9]+$/),
    tables: z.array(tableName).min(1).max(64),
  }),
  z.strictObject({ op: z.literal("list"), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.strictObject({ op: z.literal("restore"), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
]);
export type DumpSocketRequest = z.infer<typeof dumpRequestSchema>;
export const requestBytesMax = 16 * 1024;

/** Payload of at most `framePayloadBytesMax` bytes. */
export function encodeFrame(type: FrameType, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write(type, 0, "latin1");
  header.writeUInt32BE(payload.length, 1);
  return Buffer.concat([header, payload]);
}

/** @throws DUMP_STREAM_BROKEN when the payload is no exit code. */
export function readExitCode(frame: Frame): number {
  const parsed = z.strictObject({ code: z.int().min(0).max(255) }).safeParse(tryParseJson(frame.payload));
  if (!parsed.success) throw new CutterError("DUMP_STREAM_BROKEN", { why: "the exit frame holds no exit code" });
  return parsed.data.code;
}

/**
 * Frames of a byte stream, as they become complete; ends after the exit frame.
 * @throws DUMP_STREAM_BROKEN for an unknown type, an oversized frame, bytes behind the exit frame, or an end without one.
 */
export async function* decodeFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let pending: Buffer = Buffer.alloc(0);
  let exited = false;
  for await (const chunk of source) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let frame = takeFrame(pending); frame !== null; frame = takeFrame(pending)) {
      if (exited) break;
      pending = pending.subarray(headerBytes + frame.payload.length);
      exited = frame.type === "X";
      yield frame;
    }
    if (exited && pending.length > 0) throw new CutterError("DUMP_STREAM_BROKEN", { why: "bytes behind the exit frame" });
  }
  if (!exited) throw new CutterError("DUMP_STREAM_BROKEN", { why: "the stream ended without an exit code" });
}

function takeFrame(bytes: Buffer): Frame | null {
  if (bytes.length < headerBytes) return null;
  const type = bytes.toString("latin1", 0, 1);
  const length = bytes.readUInt32BE(1);
  if (type !== "V" && type !== "D" && type !== "E" && type !== "X")
    throw new CutterError("DUMP_STREAM_BROKEN", { why: "unknown frame type" });
  if (length > framePayloadBytesMax) throw new CutterError("DUMP_STREAM_BROKEN", { why: "oversized frame", bytes: length });
  return bytes.length < headerBytes + length ? null : { type, payload: bytes.subarray(headerBytes, headerBytes + length) };
}
