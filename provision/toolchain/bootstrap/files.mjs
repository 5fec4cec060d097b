// Idempotent files and links, by temporary name and rename.
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes `text` by temporary name and rename unless the file already holds it; `mode` is set either way. */
export function ensureFile(path, text, mode) {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    mkdirSync(dirname(path), { recursive: true });
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, text, { mode });
    renameSync(temporary, path);
  }
  chmodSync(path, mode);
}

/** `link` points to `target` afterwards. A folder in its way is an error of rename, not removed. */
export function ensureSymlink(target, link) {
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target) return;
  const temporary = `${link}.${process.pid}.tmp`;
  symlinkSync(target, temporary);
  renameSync(temporary, link);
}

/** `text` as one word of sh. */
export function shellQuoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
