// A journal as a file: opened for appending only, each line whole and fsynced before append returns.
import { constants } from "node:fs";
import { open, readFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { JournalStore } from "../../ports/journal.ts";
import { syncFolder, toErrorCode } from "../node-files/node-files.ts";

/** The file is made with the first append; a link in its place is refused by the system (ELOOP). */
export function openJournalFile(path: string): JournalStore {
  let handle: FileHandle | null = null;
  let broken = false;
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
      if (broken) throw new Error("the journal failed before; nothing may be appended to it");
      if (line.includes("\n")) throw new Error("a record is one line");
      broken = true; // until the line is durable
      if (handle === null) {
        handle = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
        await syncFolder(dirname(path));
      }
      const bytes = Buffer.from(`${line}\n`, "utf8");
      const { bytesWritten } = await handle.write(bytes);
      if (bytesWritten !== bytes.length) throw new Error(`short write to ${path}`);
      await handle.sync();
      broken = false;
    },
    close: async () => {
      await handle?.close();
      handle = null;
    },
  };
}
