// Finds the headings of a Markdown document by CommonMark's block structure (specification 0.31.2, appendix "A parsing strategy", phase 1).
// Inline structure is never parsed: no inline construct can make or unmake a heading. Why not a library: micromark needs 38 s for 120 KB
// of lazy lines and gigabytes for 20 MB; here time and memory grow with the document's length, whatever stands in it, and positions are
// bytes from the start. The libraries are the tests' independent judges (test/orchestrator/core/markdown/agreement.test.ts).
import { skipDefinitions } from "./definitions.ts";
import { endsHtml, matchHtmlStart, type HtmlBlockKind } from "./html.ts";
import { ascii, isBlankByte, LineCursor } from "./line.ts";
import { closesFence, matchAtxHeading, matchFence, matchListMarker, matchSetextUnderline, ThematicBreaks, type Fence } from "./starts.ts";

export interface HeadingBlock {
  readonly kind: "atx" | "setext";
  readonly level: number; // 1–6
  readonly offset: number; // of the first byte of the block: the first # or the paragraph's first byte that is no indentation
  readonly lineStart: number; // of the line that byte stands in
  readonly line: number; // 1-based
  readonly nested: boolean; // inside a block quote or a list item
  readonly titleRanges: readonly number[]; // raw inline source: start and end of each of its lines, flat
}

/**
 * What the scanner tells while it reads: `heading` at its last line, `topLevelRule` for a thematic break or `---` underline outside
 * containers.
 */
export interface BlockListener {
  heading(heading: HeadingBlock): void;
  topLevelRule(lineEnd: number): void;
}

/** Reads from `start` (behind a BOM) to the end. Total for every byte sequence, valid UTF-8 or not; nesting has no limit. */
export function scanBlocks(bytes: Uint8Array, start: number, listener: BlockListener): void {
  const scanner = new BlockScanner(bytes, start, listener);
  while (scanner.readLine());
}

interface Paragraph {
  readonly kind: "paragraph";
  readonly offset: number;
  readonly lineStart: number;
  readonly line: number;
  ranges: number[]; // start and end of each line's text, flat: a paragraph may have millions of lines
}

type Leaf =
  | Paragraph
  | { readonly kind: "fence"; readonly fence: Fence }
  | { readonly kind: "html"; readonly html: HtmlBlockKind }
  | { readonly kind: "indented" };

const isQuote = -1; // in `#containers`, beside content columns of list items
const codeIndent = 4;

class BlockScanner {
  readonly #line: LineCursor;
  readonly #listener: BlockListener;
  readonly #breaks = new ThematicBreaks();
  readonly #containers: number[] = []; // outermost first: `isQuote`, or the columns an item's content is indented by
  readonly #quotes: number[] = []; // indexes of the quotes in `#containers`
  #itemIsEmpty = false; // the innermost container is an item in which nothing stands yet
  #leaf: Leaf | null = null; // the open block inside the innermost container
  #lineNumber = 0;

  constructor(bytes: Uint8Array, start: number, listener: BlockListener) {
    this.#line = new LineCursor(bytes, start);
    this.#listener = listener;
  }

  readLine(): boolean {
    if (!this.#line.next()) return false;
    this.#lineNumber += 1;
    const matched = this.#matchContainers();
    const allMatched = matched === this.#containers.length;
    if (allMatched && this.#continuesLeaf()) return true;
    const mayBeLazy = this.#leaf?.kind === "paragraph" && !this.#line.isBlank;
    if (!mayBeLazy) this.#closeDownTo(matched);
    this.#startBlocks(matched);
    return true;
  }

  /**
   * How many open containers this line continues. A blank line continues items but no quote: it jumps, because it has no bytes to pay a
   * walk with.
   */
  #matchContainers(): number {
    const line = this.#line;
    let matched = 0;
    let quotesMatched = 0;
    for (; matched < this.#containers.length; matched += 1) {
      if (line.isBlank) {
        const nextQuote = this.#quotes[quotesMatched];
        if (nextQuote !== undefined) return nextQuote;
        return this.#itemIsEmpty ? this.#containers.length - 1 : this.#containers.length;
      }
      const container = this.#containers[matched] ?? isQuote;
      if (container !== isQuote) {
        if (line.indent < container) return matched;
        line.skipColumns(container);
      } else {
        if (line.indent >= codeIndent || line.at(line.nonBlank) !== ascii.greater) return matched;
        quotesMatched += 1;
        this.#skipQuoteMarker();
      }
    }
    return matched;
  }

  /** True when the line belongs to the open leaf and nothing can begin on it. A paragraph's line may still begin something. */
  #continuesLeaf(): boolean {
    const line = this.#line;
    const leaf = this.#leaf;
    if (leaf?.kind === "fence") {
      if (closesFence(line, leaf.fence)) this.#leaf = null;
      return true;
    }
    if (leaf?.kind === "html") {
      if ((leaf.html === 6 || leaf.html === 7) && line.isBlank) return false;
      if (endsHtml(line, leaf.html)) this.#leaf = null;
      return true;
    }
    return leaf?.kind === "indented" && (line.isBlank || line.indent >= codeIndent);
  }

  /** Opens what begins on this line, container after container, down to a leaf or text. */
  #startBlocks(matchedBefore: number): void {
    const line = this.#line;
    let matched = matchedBefore;
    // Each turn consumes at least one byte of the line or ends.
    while (!line.isBlank) {
      const paragraph = this.#leaf?.kind === "paragraph" ? this.#leaf : null;
      const continued = matched === this.#containers.length ? paragraph : null; // else the paragraph could go on only lazily
      if (line.indent >= codeIndent) {
        if (paragraph === null) return this.#open(matched, { kind: "indented" });
        break;
      }
      const first = line.at(line.nonBlank);
      if (first === ascii.greater) {
        this.#openContainer(matched, isQuote);
        this.#skipQuoteMarker();
        matched += 1;
        continue;
      }
      if (first === ascii.hash && this.#atxHeading(matched)) return;
      if ((first === ascii.backtick || first === ascii.tilde) && this.#fence(matched)) return;
      if (first === ascii.less && this.#html(matched, paragraph !== null)) return;
      if ((first === ascii.equals || first === ascii.dash) && continued !== null && this.#setextHeading(continued)) return;
      if ((first === ascii.asterisk || first === ascii.dash || first === ascii.underscore) && this.#thematicBreak(matched)) return;
      const markerLength = matchListMarker(line, continued !== null);
      if (markerLength === null) break;
      this.#openItem(matched, markerLength);
      matched += 1;
    }
    if (!line.isBlank) this.#addText(matched);
  }

  #atxHeading(matched: number): boolean {
    const found = matchAtxHeading(this.#line);
    if (found === null) return false;
    this.#open(matched, null);
    this.#listener.heading({
      kind: "atx",
      level: found.level,
      offset: this.#line.nonBlank,
      lineStart: this.#line.lineStart,
      line: this.#lineNumber,
      nested: matched > 0,
      titleRanges: [found.titleStart, found.titleEnd],
    });
    return true;
  }

  #setextHeading(paragraph: Paragraph): boolean {
    const level = matchSetextUnderline(this.#line);
    if (level === null) return false;
    this.#dropDefinitions(paragraph);
    if (paragraph.ranges.length === 0) return false; // nothing but definitions: the underline is text, or a thematic break
    const nested = this.#containers.length > 0;
    const { offset, lineStart, line, ranges } = paragraph;
    this.#leaf = null;
    this.#listener.heading({ kind: "setext", level, offset, lineStart, line, nested, titleRanges: ranges });
    if (!nested && level === 2) this.#listener.topLevelRule(this.#line.nextLine);
    return true;
  }

  #thematicBreak(matched: number): boolean {
    if (!this.#breaks.matches(this.#line)) return false;
    this.#open(matched, null);
    if (matched === 0) this.#listener.topLevelRule(this.#line.nextLine);
    return true;
  }

  #fence(matched: number): boolean {
    const fence = matchFence(this.#line);
    if (fence === null) return false;
    this.#open(matched, { kind: "fence", fence });
    return true;
  }

  #html(matched: number, paragraphIsOpen: boolean): boolean {
    const html = matchHtmlStart(this.#line, paragraphIsOpen);
    if (html === null) return false;
    this.#open(matched, endsHtml(this.#line, html) ? null : { kind: "html", html });
    return true;
  }

  #openItem(matched: number, markerLength: number): void {
    const line = this.#line;
    const markerIndent = line.indent;
    line.skipToNonBlankAnd(markerLength);
    const padding = line.isBlank || line.indent > codeIndent ? 1 : line.indent;
    this.#openContainer(matched, markerIndent + markerLength + padding);
    this.#itemIsEmpty = true;
    line.skipColumns(padding);
  }

  #addText(matched: number): void {
    const start = this.#line.nonBlank;
    const end = this.#line.end;
    if (this.#leaf?.kind === "paragraph") {
      this.#leaf.ranges.push(start, end); // also lazily, from outside its containers
      return;
    }
    this.#open(matched, {
      kind: "paragraph",
      offset: start,
      lineStart: this.#line.lineStart,
      line: this.#lineNumber,
      ranges: [start, end],
    });
  }

  /** The definitions at the paragraph's start are no text; its block still begins with them, as in the reference implementation. */
  #dropDefinitions(paragraph: Paragraph): void {
    const bytes = this.#line.bytes;
    if (bytes[paragraph.ranges[0] ?? bytes.length] !== ascii.openBracket) return;
    const lines: Uint8Array[] = [];
    for (let index = 0; index < paragraph.ranges.length; index += 2)
      lines.push(bytes.subarray(paragraph.ranges[index], paragraph.ranges[index + 1]), lineFeed);
    const definitionsEnd = skipDefinitions(Buffer.concat(lines).subarray(0, -1));
    let position = 0;
    let dropped = 0; // definitions end with a line, so a line is dropped as a whole or kept as a whole
    for (; position < definitionsEnd; dropped += 2) position += (lines[dropped]?.length ?? 0) + 1;
    paragraph.ranges = paragraph.ranges.slice(dropped);
  }

  /** Closes everything below the matched containers and opens a leaf there (null: a block of one line). */
  #open(matched: number, leaf: Leaf | null): void {
    this.#closeDownTo(matched);
    this.#leaf = leaf;
    this.#itemIsEmpty = false;
  }

  #openContainer(matched: number, container: number): void {
    this.#closeDownTo(matched);
    if (container === isQuote) this.#quotes.push(this.#containers.length);
    this.#containers.push(container);
    this.#itemIsEmpty = false;
  }

  #closeDownTo(count: number): void {
    this.#leaf = null;
    if (count === this.#containers.length) return;
    this.#containers.length = count;
    this.#itemIsEmpty = false; // what remains holds at least what was closed
    while ((this.#quotes.at(-1) ?? -1) >= count) this.#quotes.pop();
  }

  #skipQuoteMarker(): void {
    this.#line.skipToNonBlankAnd(1);
    if (isBlankByte(this.#line.at(this.#line.offset))) this.#line.skipColumns(1);
  }
}

const lineFeed = Uint8Array.of(ascii.lineFeed);
