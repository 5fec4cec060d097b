// What a knowledge base document may hold so that it is stored verbatim: judged before it is sent, equally by every adapter.
import { CutterError } from "../errors.ts";
import { assertKbId } from "./id.ts";

export interface NewKbDocument {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly tags: readonly string[];
}

/** The reverse proxy's limit, on the request as well as on what we take as an answer. */
export const kbBytesMax = 50 * 1024 * 1024;

const titleLengthMax = 500;

/** Pure. @throws KB_ID_INVALID, KB_DOCUMENT_INVALID (part: title, tags, body) */
export function assertStorable(document: NewKbDocument): void {
  assertKbId(document.id);
  const refuse = (part: string, reason: string) => new CutterError("KB_DOCUMENT_INVALID", { id: document.id, part, reason });
  if (document.title === "" || document.title.length > titleLengthMax || !isPlain(document.title))
    throw refuse("title", `1 to ${titleLengthMax} characters without control characters`);
  if (!document.tags.every((tag) => tag !== "" && tag.length <= titleLengthMax && isPlain(tag)))
    throw refuse("tags", "each with characters, none of them a control character");
  if (document.body.includes("\0")) throw refuse("body", "holds U+0000");
  if (!document.body.isWellFormed()) throw refuse("body", "holds a lone surrogate");
  if (Buffer.byteLength(document.body, "utf8") > kbBytesMax) throw refuse("body", "more than 50 MB");
}

/** `knowledge/dev/a.md` → `knowledge/dev`; a document of no folder hangs below `root`. */
export function toParentId(id: string): string {
  const end = id.lastIndexOf("/");
  return end === -1 ? "root" : id.slice(0, end);
}

function isPlain(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(text);
}
