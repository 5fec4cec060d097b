// Reading what root relies on: never through a link, never a pipe, never what somebody else could have written. One open, judged on the
// open file.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { CutterError } from "../../core/errors.ts";
import { toHostPath, type Host } from "./host.ts";

/** Mode bits that must not be set. Config and requests may be read by cutter; env files by one group, never by all. */
export const forbiddenBits = { ownedByRoot: 0o022, secret: 0o037 } as const;

export interface SafeRead {
  readonly forbidden: number;
  readonly maxBytes: number;
}

/**
 * The bytes of a plain file of root's. O_NONBLOCK: a FIFO in its place must not hang root. The folder counts too: who may write there could
 * swap the file.
 * @throws HOST_FILE_MISSING, HOST_FILE_UNSAFE; path and reason only.
 */
export function readSafeFile(host: Host, path: string, options: SafeRead): Buffer {
  const onHost = toHostPath(host, path);
  const folder = lstatSync(dirname(onHost), { throwIfNoEntry: false });
  if (folder !== undefined && (!folder.isDirectory() || folder.uid !== host.ownerUid || (folder.mode & 0o002) !== 0)) {
    throw new CutterError("HOST_FILE_UNSAFE", { file: dirname(path), problem: "the folder is a link, not root's, or writable by all" });
  }
  const descriptor = openOrRefuse(onHost, path);
  try {
    const facts = fstatSync(descriptor);
    const mode = facts.mode & 0o7777;
    const problem = !facts.isFile()
      ? "not a plain file"
      : facts.uid !== host.ownerUid
        ? "another owner"
        : (mode & options.forbidden) !== 0
          ? "open to others"
          : null;
    if (problem !== null) throw new CutterError("HOST_FILE_UNSAFE", { file: path, problem, mode: mode.toString(8), uid: facts.uid });
    if (facts.size > options.maxBytes)
      throw new CutterError("HOST_FILE_UNSAFE", { reason: "too_large", file: path, bytes: facts.size, bytes_max: options.maxBytes });
    return readAll(descriptor, options.maxBytes, path);
  } finally {
    closeSync(descriptor);
  }
}

function openOrRefuse(onHost: string, path: string): number {
  try {
    return openSync(onHost, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? error.code : null;
    if (reason === "ENOENT") throw new CutterError("HOST_FILE_MISSING", { file: path }, { cause: error });
    if (reason === "ELOOP") throw new CutterError("HOST_FILE_UNSAFE", { file: path, problem: "a symbolic link" }, { cause: error });
    throw new CutterError("HOST_FILE_UNSAFE", { file: path, problem: String(reason) }, { cause: error });
  }
}

/** Reads to the end, but not beyond the bound: the file may grow between fstat and read. */
function readAll(descriptor: number, maxBytes: number, path: string): Buffer {
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  while (length <= maxBytes) {
    const count = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
  }
  throw new CutterError("HOST_FILE_UNSAFE", { reason: "too_large", file: path, bytes_max: maxBytes });
}
