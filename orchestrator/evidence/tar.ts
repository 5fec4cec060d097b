// A tar of which there is exactly one for the same files: sorted names, no owner, no time, nothing in the gaps. What is not in that form is
// refused.
import { Header } from "tar";
import { CutterError } from "../core/errors.ts";

const blockBytes = 512;
const name = /^(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9._-]{1,90}(?:\/[A-Za-z0-9._-]{1,90}){0,2}$/;
export const bundleBytesMax = 1024 * 1024 * 1024;

/** Pure: the same files give the same bytes. @throws AUDIT_BUNDLE_INVALID for a name that is none of a run folder's */
export function toTar(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  for (const path of [...files.keys()].toSorted()) {
    const bytes = files.get(path) ?? new Uint8Array();
    if (!isBundleName(path))
      throw new CutterError("AUDIT_BUNDLE_INVALID", { problem: "a name that is none of a run folder's", name: path.slice(0, 200) });
    const header = Buffer.alloc(blockBytes);
    const needsPax = new Header({ path, mode: 0o600, uid: 0, gid: 0, size: bytes.length, mtime: new Date(0), type: "File" }).encode(
      header,
      0,
    );
    if (needsPax) throw new CutterError("AUDIT_BUNDLE_INVALID", { problem: "a file does not fit a plain header", name: path });
    parts.push(header, Buffer.from(bytes), Buffer.alloc((blockBytes - (bytes.length % blockBytes)) % blockBytes));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
}

/**
 * The files of a bundle. Pure.
 * @throws AUDIT_BUNDLE_INVALID for anything but what `toTar` makes: links, owners, doubled names, bytes between or behind the files
 */
export function fromTar(tar: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const bytes = Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength);
  const invalid = (problem: string, offset: number): CutterError => new CutterError("AUDIT_BUNDLE_INVALID", { problem, offset });
  const files = new Map<string, Uint8Array>();
  let offset = 0;
  for (;;) {
    if (offset + blockBytes > bytes.length) throw invalid("it breaks off", offset);
    const block = bytes.subarray(offset, offset + blockBytes);
    if (block.every((byte) => byte === 0)) break;
    const header = readHeader(bytes, offset);
    if (header === null) throw invalid("this is no header of a file", offset);
    if (files.has(header.path)) throw invalid("a name stands twice", offset);
    const start = offset + blockBytes;
    if (start + header.size > bytes.length) throw invalid("it breaks off", offset);
    files.set(header.path, bytes.subarray(start, start + header.size));
    offset = start + Math.ceil(header.size / blockBytes) * blockBytes;
  }
  if (!toTar(files).equals(bytes)) throw invalid("it is not in the one form a bundle has", offset);
  return files;
}

export function isBundleName(path: string): boolean {
  return name.test(path);
}

function readHeader(bytes: Buffer, offset: number): { readonly path: string; readonly size: number } | null {
  try {
    const header = new Header(bytes, offset);
    if (!header.cksumValid || header.type !== "File" || header.path === undefined || header.size === undefined) return null;
    return isBundleName(header.path) && header.size >= 0 ? { path: header.path, size: header.size } : null;
  } catch {
    return null;
  }
}
