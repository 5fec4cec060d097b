// Root keeps signed documents that the survey judges again: each ruling it armed by (the token on tmpfs goes), and each proof that a backup
// could be decrypted. They stay as long as the ledger.
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CutterError } from "../../core/errors.ts";
import { toDiskError } from "../../core/host/disk-error.ts";
import { toHostPath, type Host } from "../files/host.ts";

/**
 * `<folder>/<sha256 of the document>/`, 0700 and 0600, root's; of `files` those in `names`; whole or not at all. May be repeated.
 * @throws DISK_FULL, HOST_FILE_UNSAFE when it cannot be kept: then nothing may be built on it
 */
export function archiveDocument(
  host: Host,
  { folder: path, names }: { readonly folder: string; readonly names: readonly string[] },
  documentSha256: string,
  files: ReadonlyMap<string, Uint8Array>,
): void {
  const folder = toHostPath(host, path);
  const beside = join(folder, `.keeping-${documentSha256}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { mode: 0o700 });
    for (const name of names) {
      const bytes = files.get(name);
      if (bytes !== undefined) writeDurably(join(beside, name), bytes);
    }
    // A folder of the same digest holds the same document: the newer signatures take its place.
    rmSync(join(folder, documentSha256), { recursive: true, force: true });
    renameSync(beside, join(folder, documentSha256));
    sync(folder);
  } catch (cause) {
    const disk = toDiskError(cause, `${path}/${documentSha256}`);
    if (disk instanceof CutterError) throw disk;
    throw new CutterError(
      "HOST_FILE_UNSAFE",
      { file: `${path}/${documentSha256}`, problem: cause instanceof Error && "code" in cause ? String(cause.code) : "cannot be written" },
      { cause },
    );
  }
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, "wx", 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function sync(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
