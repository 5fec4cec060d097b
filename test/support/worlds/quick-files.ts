// Files without the thread pool and without fsync, for worlds that are made by the hundred: the same bytes at the same paths, sooner.
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { toErrorCode } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import type { Files } from "../../../orchestrator/ports/files.ts";

export const quickFiles: Files = {
  read: async (path) => orNull(() => readFileSync(path)),
  sha256: async (path) => orNull(() => sha256Hex(readFileSync(path))),
  list: async (path) => orNull(() => readdirSync(path).sort()),
  facts: async (path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    const kind = stat.isFile() ? "file" : stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "link" : "other";
    return { kind, mode: stat.mode & 0o7777, uid: stat.uid, size: stat.size };
  },
  writeAtomic: async (path, content, mode) => {
    const temporary = join(dirname(path), `.${basename(path)}.new`);
    writeFileSync(temporary, content, { mode, flag: "wx" });
    chmodSync(temporary, mode);
    try {
      renameSync(temporary, path);
    } catch (error) {
      unlinkSync(temporary);
      throw error;
    }
  },
  makeFolder: async (path, mode) => {
    try {
      mkdirSync(path, { mode });
    } catch (error) {
      if (toErrorCode(error) === "EEXIST") return false;
      throw error;
    }
    chmodSync(path, mode);
    return true;
  },
};

function orNull<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (toErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}
