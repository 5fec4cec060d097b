// A disk that does not take what is to be written, under the one code for it: whoever writes a file hands the system's error through here.
import { CutterError } from "../errors.ts";

/** What the system says of a disk, or of this process's files on it; nothing of what was written is at fault. */
const diskReasons: readonly unknown[] = ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ENFILE"];

/** DISK_FULL with the system's reason and `path`, the file or folder that was written; any other error comes back as it is. Pure. */
export function toDiskError(error: unknown, path: string): unknown {
  return isDiskError(error) ? new CutterError("DISK_FULL", { reason: error.code, path }, { cause: error }) : error;
}

/** For an edge that no longer knows what was written: the path is the error's own, if it has one. Pure. */
export function toNamedDiskError(error: unknown): unknown {
  return toDiskError(error, error instanceof Error && "path" in error && typeof error.path === "string" ? error.path : "not known");
}

/** For `promise.catch`. @throws DISK_FULL, or what it is given */
export function refuseDisk(path: string): (error: unknown) => never {
  return (error) => {
    throw toDiskError(error, path);
  };
}

/** What `work` gives. @throws DISK_FULL for `path`, or what `work` throws */
export function writing<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw toDiskError(error, path);
  }
}

/** What a program under LC_ALL=C says of it on stderr, where there is no errno to ask: the whole line, or null. Pure. */
export function toDiskComplaint(stderr: string): { readonly reason: string; readonly said: string } | null {
  for (const [text, reason] of complaints) {
    const said = stderr.split("\n").find((line) => line.includes(text));
    if (said !== undefined) return { reason, said: said.trim().slice(0, 300) };
  }
  return null;
}

const complaints = [
  ["No space left on device", "ENOSPC"],
  ["Disk quota exceeded", "EDQUOT"],
  ["Read-only file system", "EROFS"],
  ["Input/output error", "EIO"],
  ["Too many open files", "EMFILE"],
] as const;

function isDiskError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && !(error instanceof CutterError) && "code" in error && diskReasons.includes(error.code);
}
