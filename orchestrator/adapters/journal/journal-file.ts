// A journal as a file: opened for appending only, each line whole and fsynced before append returns.
import { constants } from "node:fs";
import { open, readFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { CutterError } from "../../core/errors.ts";
import { refuseDisk, toDiskError } from "../../core/host/disk-error.ts";
import type { JournalStore } from "../../ports/journal.ts";
import { syncFolder, toErrorCode } from "../node-files/node-files.ts";

/** The file is made with the first append; a link in its place is refused by the system (ELOOP). */
export function openJournalFile(path: string): JournalStore {
  let handle: FileHandle | null = null;
  let failure: CutterError | null = null;
  const openOnce = async (): Promise<FileHandle> => {
    if (handle === null) {
      handle = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      await syncFolder(dirname(path));
    }
    return handle;
  };
  /** An error is a stop for good: what lies behind the last whole line is then for the next start to judge. */
  const durably = async (work: (file: FileHandle) => Promise<void>): Promise<void> => {
    if (failure !== null) throw failure;
    try {
      const file = await openOnce();
      await work(file);
      await file.sync();
    } catch (cause) {
      failure = toJournalError(cause, path);
      throw failure;
    }
  };
  return {
    read: async () => {
      try {
        return await readFile(path, { flag: constants.O_RDONLY | constants.O_NOFOLLOW });
      } catch (error) {
        if (toErrorCode(error) === "ENOENT") return new Uint8Array();
        return refuseDisk(path)(error);
      }
    },
    append: async (line) => {
      if (line.includes("\n")) throw new Error("a record is one line");
      // Until nothing is left: a full disk takes a part and says why with the next write.
      await durably((file) => file.appendFile(Buffer.from(`${line}\n`, "utf8")));
    },
    cutBack: (bytes) => durably((file) => file.truncate(bytes)),
    close: async () => {
      await handle?.close();
      handle = null;
    },
  };
}

function toJournalError(cause: unknown, path: string): CutterError {
  const disk = toDiskError(cause, path);
  return disk instanceof CutterError
    ? disk
    : new CutterError("JOURNAL_NOT_WRITTEN", { file: path, reason: toErrorCode(cause) || "unknown" }, { cause });
}
