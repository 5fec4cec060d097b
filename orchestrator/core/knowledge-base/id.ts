// Ids of knowledge base documents: the one place that says what an id is, judged before any path or URL is built from it.
import { CutterError } from "../errors.ts";

const segmentShape = /^[a-z0-9][a-z0-9._-]*$/;
const idLengthMax = 300;
const segmentLengthMax = 120;

/**
 * True for `folder/…/name.md` in lower-case ASCII. The knowledge base keeps `a/b` and `a__b` under one key, so `__` is no id,
 * and no segment begins with `_` (`a_/b` and `a/_b` would meet as well). No `..`, no empty segment, no hidden file.
 */
export function isKbId(text: string): boolean {
  if (text.length > idLengthMax || !text.endsWith(".md") || text.includes("__") || text.includes("..")) return false;
  const segments = text.split("/");
  return segments.at(-1) !== ".md" && segments.every((segment) => segment.length <= segmentLengthMax && segmentShape.test(segment));
}

/** @throws KB_ID_INVALID unless `isKbId`. Pure. */
export function assertKbId(text: string): void {
  if (!isKbId(text)) throw new CutterError("KB_ID_INVALID", { id: text.slice(0, 120) });
}

/** A prefix is the beginning of an id, `knowledge/dev/` or `knowledge/de`; empty means all. @throws KB_ID_INVALID. Pure. */
export function assertKbPrefix(prefix: string): void {
  const legal =
    prefix === "" || (/^[a-z0-9][a-z0-9._/-]*$/.test(prefix) && !prefix.includes("__") && !prefix.includes("..") && !prefix.includes("//"));
  if (!legal || prefix.length > idLengthMax) throw new CutterError("KB_ID_INVALID", { prefix: prefix.slice(0, 120) });
}
