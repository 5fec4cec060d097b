// A journal as a file: opened for appending only, each line whole and fsynced before append returns.
import { constants } from "node:fs";
import { open, readFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { CutterError } from "../../core/errors.ts";
import type { JournalStore } from "../../ports/journal.ts";
import { syncFolder, toErrorCode } from "../node-files/node-files.ts";

/** The file is made with the first append; a link in its place is refused by the system (ELOOP). */
export function openJournalFile(path: string): JournalStore {
  let handle: FileHandle | null = null;
  let broken = false;
  const appendDurably = async (bytes: Uint8Array): Promise<void> => {
    if (handle === null) {
      handle = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      await syncFolder(dirname(path));
    }
    const { bytesWritten } = await handle.write(bytes);
    if (bytesWritten !== bytes.length) throw new Error("short write");
    await handle.sync();
  };
  return {
    read: async () => {
      try {
        return await readFile(path, { flag: constants.O_RDONLY | constants.O_NOFOLLOW });
      } catch (error) {
        if (toErrorCode(error) === "ENOENT") return new Uint8Array();
        throw error;
      }
    },
    append: async (line) => {
      if (broken) throw new CutterError("JOURNAL_NOT_WRITTEN", { file: path, reason: "it failed before" });
      if (line.includes("\n")) throw new Error("a record is one line");
      broken = true; // until the line is durable
      try {
        await appendDurably(Buffer.from(`${line}\n`, "utf8"));
      } catch (cause) {
        throw new CutterError("JOURNAL_NOT_WRITTEN", { file: path, reason: toErrorCode(cause) || "short write" }, { cause });
      }
      broken = false;
    },
    close: async () => {
      await handle?.close();
      handle = null;
    },
  };
}
