// A disk that does not take what is to be written, under the one code for it: whoever writes a file hands the system's error through here.
import { CutterError } from "../errors.ts";

/** What the system says of a disk, or of this process's files on it; nothing of what was written is at fault. */
const diskReasons: readonly unknown[] = ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ENFILE"];

/** libuv has no name for this one: its code is "Unknown system error -122". */
const noQuotaLeft = -122;

/** DISK_FULL with the system's reason and `path`, the file or folder that was written; any other error comes back as it is. Pure. */
export function toDiskError(error: unknown, path: string): unknown {
  const reason = toDiskReason(error);
  return reason === null ? error : new CutterError("DISK_FULL", { reason, path }, { cause: error });
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

function toDiskReason(error: unknown): string | null {
  if (!(error instanceof Error) || error instanceof CutterError) return null;
  if ("errno" in error && error.errno === noQuotaLeft) return "EDQUOT";
  return "code" in error && typeof error.code === "string" && diskReasons.includes(error.code) ? error.code : null;
}
