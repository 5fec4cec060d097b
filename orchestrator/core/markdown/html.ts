// The seven kinds of HTML blocks of CommonMark 0.31.2, section 4.6: inside them a `#` line is no heading.
import type { LineCursor } from "./line.ts";

/** Index 1–7 is the specification's number of the start condition. */
export type HtmlBlockKind = 1 | 2 | 3 | 4 | 5 | 6 | 7;

const tagNames =
  "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul";
// Lines are matched as Latin-1, one character per byte, so \s would take the byte a0 inside a letter for a space: spaces are spelt out.
const space = "[ \\t\\v\\f]";

const startPatterns: readonly (readonly [1 | 2 | 3 | 4 | 5 | 6, RegExp])[] = [
  [1, new RegExp(`^<(?:script|pre|style|textarea)(?:${space}|>|$)`, "i")],
  [2, /^<!--/],
  [3, /^<\?/],
  [4, /^<![A-Za-z]/],
  [5, /^<!\[CDATA\[/],
  [6, new RegExp(`^</?(?:${tagNames})(?:${space}|/?>|$)`, "i")],
];

const ends: Readonly<Record<1 | 2 | 3 | 4 | 5, RegExp>> = {
  1: /<\/(?:script|pre|style|textarea)>/i,
  2: /-->/,
  3: /\?>/,
  4: />/,
  5: /\]\]>/,
};

/** The kind of HTML block that begins at the next non-blank byte, or null. Kind 7 cannot interrupt a paragraph. */
export function matchHtmlStart(line: LineCursor, paragraphIsOpen: boolean): HtmlBlockKind | null {
  const text = toLatin1(line, line.nonBlank);
  const found = startPatterns.find(([, start]) => start.test(text));
  if (found !== undefined) return found[0];
  return !paragraphIsOpen && isLoneTag(text) ? 7 : null;
}

/** Whether the block ends with this line. Kinds 6 and 7 end before a blank line instead. */
export function endsHtml(line: LineCursor, kind: HtmlBlockKind): boolean {
  return kind !== 6 && kind !== 7 && ends[kind].test(toLatin1(line, line.offset));
}

function toLatin1(line: LineCursor, start: number): string {
  return Buffer.from(line.bytes.buffer, line.bytes.byteOffset + start, line.end - start).toString("latin1");
}

// One complete opening or closing tag and nothing else. Read step by step with sticky expressions: as one expression with a repeated group
// it overflows the stack on a tag of a million attributes.
function isLoneTag(text: string): boolean {
  const isClosing = text.startsWith("</");
  let offset = skip(tagStart, text, 0);
  if (offset === null) return false;
  for (let next = isClosing ? null : skip(attributeName, text, offset); next !== null; next = skip(attributeName, text, offset)) {
    offset = skip(attributeValue, text, next) ?? next;
  }
  return skip(isClosing ? closingTagEnd : openingTagEnd, text, offset) !== null;
}

const tagStart = /<\/?[A-Za-z][A-Za-z0-9-]*/y;
const attributeName = new RegExp(`${space}+[A-Za-z_:][A-Za-z0-9_.:-]*`, "y");
const attributeValue = new RegExp(`${space}*=${space}*(?:[^ \\t\\v\\f"'=<>\`]+|'[^']*'|"[^"]*")`, "y");
const openingTagEnd = new RegExp(`${space}*/?>[ \\t]*$`, "y");
const closingTagEnd = new RegExp(`${space}*>[ \\t]*$`, "y");

/** Where the expression's match at `offset` ends, or null. */
function skip(expression: RegExp, text: string, offset: number): number | null {
  expression.lastIndex = offset;
  return expression.test(text) ? expression.lastIndex : null;
}
