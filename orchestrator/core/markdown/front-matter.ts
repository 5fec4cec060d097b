// Recognises YAML front matter, which CommonMark does not know: to it `title: x` above `---` is a heading.
import { LineCursor } from "./line.ts";

const rule = /^---[ \t]*$/;
const key = /^[A-Za-z_][A-Za-z0-9_ .-]*:(?:[ \t]|$)/;
const continuation = /^(?:[ \t#]|-(?:[ \t]|$))/;

/**
 * Where the front matter ends (the byte behind its closing line), or null. It is front matter only if the very first line is `---`, the
 * next line that is `---` closes it, and every line in between is blank, a comment, indented, a list entry or `key:`, the first of
 * substance being a key. A document that opens with a thematic break and prose has none.
 */
export function findFrontMatterEnd(bytes: Uint8Array, start: number): number | null {
  const line = new LineCursor(bytes, start);
  if (!line.next() || !rule.test(toText(line))) return null;
  let hasKey = false;
  while (line.next()) {
    const text = toText(line);
    if (rule.test(text)) return hasKey ? line.nextLine : null;
    if (key.test(text)) hasKey = true;
    else if (!line.isBlank && !text.startsWith("#") && !(hasKey && continuation.test(text))) return null;
  }
  return null;
}

function toText(line: LineCursor): string {
  return Buffer.from(line.bytes.buffer, line.bytes.byteOffset + line.lineStart, line.end - line.lineStart).toString("latin1");
}
