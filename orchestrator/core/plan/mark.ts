// Phase 2's rule: bytes of a Markdown document → its headings, and which of them are cut points. Pure and deterministic.
//
// A heading is what CommonMark 0.31.2 says it is: ATX or setext, never a `#` line inside a fence, an HTML block or indented code, whether
// the fence is closed or not. A cut point is a heading at the document's top level. A heading inside a block quote or a list item is no cut
// point: it belongs to the quote or the item, and a cut there would part a container from its marker. A heading inside YAML front matter is
// no cut point either; the front matter then lies in the preamble. Front matter never changes how the rest is read.
//
// Positions are bytes from the document's first byte, a BOM included. A line ends with LF, CRLF or a lone CR. NUL is an ordinary character.
import { isUtf8 } from "node:buffer";
import { sha256Hex } from "../encoding/digest.ts";
import { CutterError } from "../errors.ts";
import { findFrontMatterEnd } from "../markdown/front-matter.ts";
import { scanBlocks, type HeadingBlock } from "../markdown/blocks.ts";

export const sourceBytesMax = 64 * 1024 * 1024; // the knowledge base takes 50 MB
export const headingsMax = 250_000;

export interface Heading {
  readonly kind: "atx" | "setext";
  readonly level: number; // 1–6
  readonly title: string; // raw inline source, lines joined by one space, U+0000 shown as U+FFFD; no Unicode normalisation
  readonly byteOffset: number; // the block's first byte that is no indentation; of a setext heading its paragraph's, definitions included
  readonly lineByteOffset: number; // first byte of that line: here the cut is made
  readonly line: number; // 1-based
  readonly cut: "cut_point" | "nested" | "front_matter";
}

export interface MarkedSource {
  readonly sourceSha256: string;
  readonly sourceBytes: number;
  readonly frontMatterEnd: number | null; // byte behind its closing line
  readonly headings: readonly Heading[]; // in document order, cut points or not
}

/** @throws SOURCE_UNFIT. Time and memory grow linearly with the source. */
export function markSource(bytes: Uint8Array): MarkedSource {
  if (bytes.length === 0) throw new CutterError("SOURCE_UNFIT", { reason: "empty" });
  if (bytes.length > sourceBytesMax)
    throw new CutterError("SOURCE_UNFIT", { reason: "too_large", bytes: bytes.length, bytes_max: sourceBytesMax });
  if (!isUtf8(bytes)) throw new CutterError("SOURCE_UNFIT", { reason: "not_utf8", bytes: bytes.length });
  const start = bomLength(bytes);
  const frontMatterCandidate = findFrontMatterEnd(bytes, start);
  const blocks: HeadingBlock[] = [];
  let frontMatterEnd: number | null = null;
  scanBlocks(bytes, start, {
    heading: (block) => {
      blocks.push(block);
      if (blocks.length > headingsMax)
        throw new CutterError("SOURCE_UNFIT", { reason: "too_many_headings", headings_max: headingsMax, line: block.line });
    },
    // The closing line counts only where CommonMark, too, sees a break between blocks; else the text behind it would not stand on its own.
    topLevelRule: (lineEnd) => {
      if (lineEnd === frontMatterCandidate) frontMatterEnd = lineEnd;
    },
  });
  const headings = blocks.map((block) => toHeading(bytes, block, frontMatterEnd ?? 0));
  return { sourceSha256: sha256Hex(bytes), sourceBytes: bytes.length, frontMatterEnd, headings };
}

/** 3 if the bytes begin with the UTF-8 byte order mark, else 0. */
export function bomLength(bytes: Uint8Array): 0 | 3 {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

function toHeading(bytes: Uint8Array, block: HeadingBlock, frontMatterEnd: number): Heading {
  const cut = block.offset < frontMatterEnd ? "front_matter" : block.nested ? "nested" : "cut_point";
  const { kind, level, offset, lineStart, line } = block;
  return { kind, level, title: toTitle(bytes, block), byteOffset: offset, lineByteOffset: lineStart, line, cut };
}

function toTitle(bytes: Uint8Array, block: HeadingBlock): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const lines: string[] = [];
  for (let index = 0; index < block.titleRanges.length; index += 2) {
    lines.push(trimBlanksAtEnd(view.toString("utf8", block.titleRanges[index], block.titleRanges[index + 1])));
  }
  return lines.join(" ").replaceAll("\u0000", "\ufffd");
}

// A loop, because /[ \t]+$/ takes quadratic time on a title with a long run of spaces inside.
function trimBlanksAtEnd(text: string): string {
  let end = text.length;
  while (text[end - 1] === " " || text[end - 1] === "\t") end -= 1;
  return text.slice(0, end);
}
