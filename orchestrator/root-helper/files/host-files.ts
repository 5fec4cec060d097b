// Files of the host for root's own looking: below the host's root, no link followed, no pipe waited for, bounded. What it reads may be
// cutter's, so nothing is trusted by it.
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readdirSync } from "node:fs";
import type { Files } from "../../ports/files.ts";
import { toHostPath, type Host } from "./host.ts";

const bytesMax = 256 * 1024 * 1024;

export function hostFiles(host: Host): Pick<Files, "read" | "facts" | "list"> {
  return {
    read: (path) => Promise.resolve(orNull(() => readPlain(toHostPath(host, path)))),
    facts: (path) => {
      const stat = lstatSync(toHostPath(host, path), { throwIfNoEntry: false });
      if (stat === undefined) return Promise.resolve(null);
      const kind = stat.isFile() ? "file" : stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "link" : "other";
      return Promise.resolve({ kind, mode: stat.mode & 0o7777, uid: stat.uid, size: stat.size } as const);
    },
    list: (path) => Promise.resolve(orNull(() => readdirSync(toHostPath(host, path)).toSorted())),
  };
}

function readPlain(path: string): Uint8Array {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile() || facts.size > bytesMax) throw new Error("not a plain file within its bound");
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function orNull<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
