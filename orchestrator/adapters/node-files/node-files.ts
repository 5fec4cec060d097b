// Files by node:fs: durable writes, links never followed where it matters.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, mkdir, open, readdir, readFile, rename, unlink, chmod, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { refuseDisk, toDiskError } from "../../core/host/disk-error.ts";
import type { FileFacts, Files } from "../../ports/files.ts";

export const nodeFiles: Files = { read, sha256, list, facts, writeAtomic, makeFolder };

async function read(path: string): Promise<Uint8Array | null> {
  return readFile(path).catch(toNullIfAbsent(path));
}

async function sha256(path: string): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    return hash.digest("hex");
  } catch (error) {
    return toNullIfAbsent(path)(error);
  }
}

async function list(path: string): Promise<readonly string[] | null> {
  const names = await readdir(path).catch(toNullIfAbsent(path));
  return names?.sort() ?? null;
}

async function facts(path: string): Promise<FileFacts | null> {
  const stat = await lstat(path).catch(toNullIfAbsent(path));
  if (stat === null) return null;
  const kind = stat.isFile() ? "file" : stat.isDirectory() ? "folder" : stat.isSymbolicLink() ? "link" : "other";
  return { kind, mode: stat.mode & 0o7777, uid: stat.uid, size: stat.size };
}

async function writeAtomic(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  await replaceWhole(path, content, mode).catch(refuseDisk(path));
}

async function replaceWhole(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  const handle = await open(temporary, "wx", mode);
  try {
    await handle.chmod(mode); // whatever the umask is
    await handle.writeFile(content);
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

async function makeFolder(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (toErrorCode(error) === "EEXIST") return false;
    throw toDiskError(error, path);
  }
  await chmod(path, mode).catch(refuseDisk(path));
  await syncFolder(dirname(path)).catch((error: unknown) => {
    // The parent may belong to root and be closed to us: the folder then lasts as long as its first file is synced.
    if (toErrorCode(error) !== "EACCES") throw toDiskError(error, path);
  });
  return true;
}

/** A name is durable only once its folder is synced. */
export async function syncFolder(path: string): Promise<void> {
  const handle: FileHandle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The system's error name, e.g. ENOENT; empty for anything else. */
export function toErrorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

function toNullIfAbsent(path: string): (error: unknown) => null {
  return (error) => {
    if (toErrorCode(error) === "ENOENT") return null;
    throw toDiskError(error, path);
  };
}
