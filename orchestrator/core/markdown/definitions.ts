// Link reference definitions at the start of a paragraph (CommonMark 0.31.2, section 4.7).
// Headings need them: `[a]: /url` followed by `===` is a definition and a line of text, not a heading.
import { ascii, isBlankByte } from "./line.ts";

const labelCharactersMax = 999;
const parenthesesMax = 32; // the reference implementation's bound on nesting in a destination

/**
 * Where the text of a paragraph begins behind its definitions; `text.length` if it holds nothing else.
 * `text`: the paragraph's lines without their indentation, joined by LF.
 */
export function skipDefinitions(text: Uint8Array): number {
  let offset = 0;
  while (text[offset] === ascii.openBracket) {
    const after = skipDefinition(text, offset);
    if (after === null) break;
    offset = after;
  }
  return offset;
}

function skipDefinition(text: Uint8Array, start: number): number | null {
  const afterLabel = skipLabel(text, start);
  if (afterLabel === null || text[afterLabel] !== ascii.colon) return null;
  const destinationAt = skipBlanksAndOneLineEnding(text, afterLabel + 1);
  const afterDestination = skipDestination(text, destinationAt);
  if (afterDestination === null) return null;
  const titleAt = skipBlanksAndOneLineEnding(text, afterDestination);
  const afterTitle = titleAt > afterDestination ? skipTitle(text, titleAt) : null;
  return (afterTitle === null ? null : skipRestOfLine(text, afterTitle)) ?? skipRestOfLine(text, afterDestination);
}

function skipLabel(text: Uint8Array, start: number): number | null {
  let characters = 0;
  let hasInk = false;
  for (let offset = start + 1; offset < text.length; offset += 1) {
    const byte = text[offset] ?? 0;
    if (byte === ascii.closeBracket) return hasInk ? offset + 1 : null;
    if (byte === ascii.openBracket) return null;
    if (!isBlankByte(byte) && byte !== ascii.lineFeed) hasInk = true;
    if (!isContinuation(byte)) characters += 1;
    if (byte === ascii.backslash && isAsciiPunctuation(text[offset + 1])) {
      offset += 1;
      characters += 1;
    }
    if (characters > labelCharactersMax) return null;
  }
  return null;
}

function skipDestination(text: Uint8Array, start: number): number | null {
  return text[start] === ascii.less ? skipPointedDestination(text, start) : skipBareDestination(text, start);
}

function skipPointedDestination(text: Uint8Array, start: number): number | null {
  for (let offset = start + 1; offset < text.length; offset += 1) {
    const byte = text[offset];
    if (byte === ascii.greater) return offset + 1;
    if (byte === ascii.less || byte === ascii.lineFeed) return null;
    if (byte === ascii.backslash && isAsciiPunctuation(text[offset + 1])) offset += 1;
  }
  return null;
}

function skipBareDestination(text: Uint8Array, start: number): number | null {
  let open = 0;
  let offset = start;
  for (; offset < text.length; offset += 1) {
    const byte = text[offset] ?? 0;
    if (isControlOrSpace(byte)) break;
    if (byte === ascii.backslash && isAsciiPunctuation(text[offset + 1])) offset += 1;
    else if (byte === ascii.openParen && (open += 1) > parenthesesMax) return null;
    else if (byte === ascii.closeParen && (open -= 1) < 0) return null;
  }
  return open === 0 && offset > start ? offset : null;
}

function skipTitle(text: Uint8Array, start: number): number | null {
  const opening = text[start];
  if (opening !== ascii.doubleQuote && opening !== ascii.singleQuote && opening !== ascii.openParen) return null;
  const closing = opening === ascii.openParen ? ascii.closeParen : opening;
  for (let offset = start + 1; offset < text.length; offset += 1) {
    const byte = text[offset];
    if (byte === closing) return offset + 1;
    if (byte === ascii.openParen && opening === ascii.openParen) return null;
    if (byte === ascii.backslash && isAsciiPunctuation(text[offset + 1])) offset += 1;
  }
  return null;
}

/** Behind the line ending (or at the end), or null if something else than blank space stands in between. */
function skipRestOfLine(text: Uint8Array, start: number): number | null {
  const offset = skipBlanks(text, start);
  if (offset >= text.length) return text.length;
  return text[offset] === ascii.lineFeed ? offset + 1 : null;
}

function skipBlanksAndOneLineEnding(text: Uint8Array, start: number): number {
  const offset = skipBlanks(text, start);
  return text[offset] === ascii.lineFeed ? skipBlanks(text, offset + 1) : offset;
}

function skipBlanks(text: Uint8Array, start: number): number {
  let offset = start;
  while (isBlankByte(text[offset] ?? 0)) offset += 1;
  return offset;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

// U+0000 is shown as U+FFFD by the specification, so it is no control character here.
function isControlOrSpace(byte: number): boolean {
  return (byte > 0 && byte <= ascii.space) || byte === ascii.delete;
}

function isAsciiPunctuation(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (
    (byte >= 0x21 && byte <= 0x2f) || (byte >= 0x3a && byte <= 0x40) || (byte >= 0x5b && byte <= 0x60) || (byte >= 0x7b && byte <= 0x7e)
  );
}
