// How blocks begin and end, one recogniser per construct of the CommonMark specification 0.31.2, chapter 4 and 5.
// Each looks at the line from its next non-blank byte and consumes nothing.
import { ascii, isBlankByte, type LineCursor } from "./line.ts";

export interface AtxHeading {
  readonly level: number;
  readonly titleStart: number;
  readonly titleEnd: number;
}

/** `# title ##`, or null. The title excludes the closing sequence and the blank space around it. */
export function matchAtxHeading(line: LineCursor): AtxHeading | null {
  const start = line.nonBlank;
  const titleAt = skipRun(line, start, ascii.hash);
  const level = titleAt - start;
  if (level > 6 || (titleAt < line.end && !isBlankByte(line.at(titleAt)))) return null;
  const titleStart = skipBlanks(line, titleAt);
  const textEnd = trimBlanks(line, titleStart, line.end);
  let closing = textEnd;
  while (closing > titleStart && line.at(closing - 1) === ascii.hash) closing -= 1;
  const closes = closing === titleStart || isBlankByte(line.at(closing - 1));
  return { level, titleStart, titleEnd: closes ? trimBlanks(line, titleStart, closing) : textEnd };
}

export interface Fence {
  readonly marker: number;
  readonly length: number;
}

/** An opening code fence, or null. An info string after backticks may hold no backtick. */
export function matchFence(line: LineCursor): Fence | null {
  const start = line.nonBlank;
  const marker = line.at(start);
  const infoAt = skipRun(line, start, marker);
  if (infoAt - start < 3) return null;
  if (marker === ascii.backtick && line.bytes.subarray(infoAt, line.end).includes(ascii.backtick)) return null;
  return { marker, length: infoAt - start };
}

/** Whether this line closes the fence. */
export function closesFence(line: LineCursor, fence: Fence): boolean {
  if (line.indent >= 4 || line.at(line.nonBlank) !== fence.marker) return false;
  const after = skipRun(line, line.nonBlank, fence.marker);
  return after - line.nonBlank >= fence.length && skipBlanks(line, after) === line.end;
}

/** 1 for `===`, 2 for `---`, or null. Whether the line stands below a paragraph is the caller's question. */
export function matchSetextUnderline(line: LineCursor): 1 | 2 | null {
  const marker = line.at(line.nonBlank);
  if (skipBlanks(line, skipRun(line, line.nonBlank, marker)) !== line.end) return null;
  return marker === ascii.equals ? 1 : 2;
}

/**
 * Finds thematic breaks. Remembers per line where the last byte stands that cannot belong to one,
 * so that a line of ten thousand list markers is not searched ten thousand times.
 */
export class ThematicBreaks {
  #lineStart = -1;
  readonly #lastForeign = new Map<number, number>();

  matches(line: LineCursor): boolean {
    const start = line.nonBlank;
    const marker = line.at(start);
    if (this.#foreign(line, marker) >= start) return false;
    let count = 0;
    for (let offset = start; offset < line.end && count < 3; offset += 1) if (line.at(offset) === marker) count += 1;
    return count === 3;
  }

  #foreign(line: LineCursor, marker: number): number {
    if (line.lineStart !== this.#lineStart) {
      this.#lineStart = line.lineStart;
      this.#lastForeign.clear();
    }
    const known = this.#lastForeign.get(marker);
    if (known !== undefined) return known;
    let offset = line.end - 1;
    while (offset >= line.lineStart && (isBlankByte(line.at(offset)) || line.at(offset) === marker)) offset -= 1;
    this.#lastForeign.set(marker, offset);
    return offset;
  }
}

/**
 * Length in bytes of a list marker (`-`, `12.`), or null. While a paragraph is open an item may begin only with text behind its marker,
 * and a numbered one only with 1.
 */
export function matchListMarker(line: LineCursor, interruptsParagraph: boolean): number | null {
  const start = line.nonBlank;
  const after = endOfMarker(line, start, interruptsParagraph);
  if (after === null || (after < line.end && !isBlankByte(line.at(after)))) return null;
  if (interruptsParagraph && skipBlanks(line, after) === line.end) return null;
  return after - start;
}

function endOfMarker(line: LineCursor, start: number, mustBeOne: boolean): number | null {
  const first = line.at(start);
  if (first === ascii.dash || first === ascii.plus || first === ascii.asterisk) return start + 1;
  let offset = start;
  let number = 0;
  for (; offset - start < 10 && line.at(offset) >= ascii.zero && line.at(offset) <= ascii.nine; offset += 1)
    number = number * 10 + line.at(offset) - ascii.zero;
  const digits = offset - start;
  if (digits === 0 || digits > 9 || (mustBeOne && number !== 1)) return null;
  return line.at(offset) === ascii.dot || line.at(offset) === ascii.closeParen ? offset + 1 : null;
}

function skipRun(line: LineCursor, start: number, byte: number): number {
  let offset = start;
  while (offset < line.end && line.at(offset) === byte) offset += 1;
  return offset;
}

function skipBlanks(line: LineCursor, start: number): number {
  let offset = start;
  while (isBlankByte(line.at(offset))) offset += 1;
  return offset;
}

function trimBlanks(line: LineCursor, start: number, end: number): number {
  let offset = end;
  while (offset > start && isBlankByte(line.at(offset - 1))) offset -= 1;
  return offset;
}
