// A journal as a file: opened for appending only, each line whole and fsynced before append returns. A cut-off tail alone is replaced.
import { constants } from "node:fs";
import { open, readFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { CutterError } from "../../core/errors.ts";
import { refuseDisk, toDiskError } from "../../core/host/disk-error.ts";
import type { JournalStore } from "../../ports/journal.ts";
import { nodeFiles, syncFolder, toErrorCode } from "../node-files/node-files.ts";

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
  const close = async (): Promise<void> => {
    await handle?.close();
    handle = null;
  };
  const readAll = async (): Promise<Uint8Array> => await readFile(path, { flag: constants.O_RDONLY | constants.O_NOFOLLOW });
  /** An error is a stop for good: what lies behind the last whole line is then for the next start to judge. */
  const write = async (line: string, work: (bytes: Buffer) => Promise<void>): Promise<void> => {
    if (line.includes("\n")) throw new Error("a record is one line");
    if (failure !== null) throw failure;
    try {
      await work(Buffer.from(`${line}\n`, "utf8"));
    } catch (cause) {
      failure = cause instanceof CutterError ? cause : toJournalError(cause, path);
      throw failure;
    }
  };
  return {
    read: async () => {
      try {
        return await readAll();
      } catch (error) {
        if (toErrorCode(error) === "ENOENT") return new Uint8Array();
        return refuseDisk(path)(error);
      }
    },
    append: (line) =>
      write(line, async (bytes) => {
        const file = await openOnce();
        await file.appendFile(bytes); // until nothing is left: a full disk takes a part and says why with the next write
        await file.sync();
      }),
    replaceTail: (length, line) =>
      write(line, async (bytes) => {
        await close(); // of the file that goes
        await nodeFiles.writeAtomic(path, Buffer.concat([(await readAll()).subarray(0, length), bytes]), 0o600);
      }),
    close,
  };
}

function toJournalError(cause: unknown, path: string): CutterError {
  const disk = toDiskError(cause, path);
  return disk instanceof CutterError
    ? disk
    : new CutterError("JOURNAL_NOT_WRITTEN", { file: path, reason: toErrorCode(cause) || "unknown" }, { cause });
}
