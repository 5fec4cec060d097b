// One line of Markdown, read byte by byte: the cursor that knows columns and tab stops.
// Works on UTF-8 bytes, because block structure is decided by ASCII alone; so offsets need no mapping afterwards.

/** The ASCII bytes that decide block structure. */
export const ascii = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  doubleQuote: 0x22,
  hash: 0x23,
  singleQuote: 0x27,
  openParen: 0x28,
  closeParen: 0x29,
  asterisk: 0x2a,
  plus: 0x2b,
  dash: 0x2d,
  dot: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  less: 0x3c,
  equals: 0x3d,
  greater: 0x3e,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  underscore: 0x5f,
  backtick: 0x60,
  tilde: 0x7e,
  delete: 0x7f,
} as const;

const tabStop = 4;

export function isBlankByte(byte: number): boolean {
  return byte === ascii.space || byte === ascii.tab;
}

/**
 * A cursor over the lines of one document. `next()` moves to the following line; LF, CRLF and a lone CR end a line.
 * `offset` and `end` are byte offsets into the document, columns are counted from 0 within the line.
 * Every question costs constant time amortised: the next non-blank byte is looked for once per position, not once per container.
 */
export class LineCursor {
  readonly bytes: Uint8Array;
  lineStart: number;
  end: number; // where the line's content ends, before its line ending
  nextLine: number; // where the following line starts
  offset = 0;
  column = 0;
  #nonBlankOffset = -1;
  #nonBlankColumn = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.lineStart = start;
    this.end = start;
    this.nextLine = start;
  }

  /** False when there is no further line. A final line without line ending counts; nothing after a final line ending does not. */
  next(): boolean {
    if (this.nextLine >= this.bytes.length) return false;
    this.lineStart = this.nextLine;
    this.end = this.#lineEnd(this.lineStart);
    const isCrLf = this.bytes[this.end] === ascii.carriageReturn && this.bytes[this.end + 1] === ascii.lineFeed;
    this.nextLine = Math.min(this.end + (isCrLf ? 2 : 1), this.bytes.length);
    this.offset = this.lineStart;
    this.column = 0;
    this.#nonBlankOffset = -1;
    return true;
  }

  /** The byte at an offset of this line, or -1 at and behind its end. */
  at(offset: number): number {
    return offset < this.end ? (this.bytes[offset] ?? -1) : -1;
  }

  /** Offset of the first byte from here on that is no space or tab; the line's end if there is none. */
  get nonBlank(): number {
    this.#findNonBlank();
    return this.#nonBlankOffset;
  }

  /** Columns of blank space before `nonBlank`. */
  get indent(): number {
    this.#findNonBlank();
    return this.#nonBlankColumn - this.column;
  }

  /** Nothing but spaces and tabs is left. */
  get isBlank(): boolean {
    return this.nonBlank === this.end;
  }

  /** Consumes up to `count` columns of blank space; a tab may be consumed in part. Stops at the first other byte. */
  skipColumns(count: number): void {
    for (let left = count; left > 0 && isBlankByte(this.at(this.offset));) {
      const width = this.at(this.offset) === ascii.tab ? tabStop - (this.column % tabStop) : 1;
      const taken = Math.min(left, width);
      this.column += taken;
      left -= taken;
      if (taken === width) this.offset += 1; // else the column stands inside the tab and tells what is left of it
    }
  }

  /** Consumes the blank space before `nonBlank` and then `count` bytes, which are no tabs. */
  skipToNonBlankAnd(count: number): void {
    this.#findNonBlank();
    this.offset = this.#nonBlankOffset + count;
    this.column = this.#nonBlankColumn + count;
  }

  #findNonBlank(): void {
    if (this.offset <= this.#nonBlankOffset) return; // still ahead: columns are absolute, so it stays right
    let offset = this.offset;
    let column = this.column;
    for (; offset < this.end; offset += 1) {
      const byte = this.bytes[offset];
      if (byte === ascii.space) column += 1;
      else if (byte === ascii.tab) column += tabStop - (column % tabStop);
      else break;
    }
    this.#nonBlankOffset = offset;
    this.#nonBlankColumn = column;
  }

  #lineEnd(start: number): number {
    for (let offset = start; offset < this.bytes.length; offset += 1) {
      const byte = this.bytes[offset];
      if (byte === ascii.lineFeed || byte === ascii.carriageReturn) return offset;
    }
    return this.bytes.length;
  }
}
