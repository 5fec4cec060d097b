// From the bytes of a signed document to the text of its one block: what a person reads and what the kit reads must be the same.
import { CutterError } from "../errors.ts";

export const approvalBytesMax = 128 * 1024;
export const blockName = "cutter-approval";

const closing = "```";

/**
 * Control and format characters (bidi, zero width, tags, byte order mark) and the line ends only some programs know. Tab and newline
 * remain.
 */
const forbidden = /[\p{Cc}\p{Cf}\u2028\u2029\uFFFE\uFFFF]/u;

/**
 * Before the block only plain prose and headings may stand: nothing that a page would hide the block in (comment, front matter, list, other
 * fence).
 */
const plainLine = /^(?:(?:#{1,6} )?[\p{L}\p{N}][^<`~]*)?$/u;

/**
 * The text between the fences. Pure.
 * @throws APPROVAL_TEXT_INVALID
 */
export function readApprovalBlock(bytes: Uint8Array, name: string = blockName): string {
  const opening = `\`\`\`${name}`;
  if (bytes.length > approvalBytesMax)
    throw new CutterError("APPROVAL_TEXT_INVALID", { reason: "too_large", bytes: bytes.length, bytes_max: approvalBytesMax });
  const lines = toText(bytes).split(/\r?\n/);
  for (const [index, line] of lines.entries()) refuseForbidden(line.replaceAll("\t", ""), `line ${String(index + 1)}`);
  // Any fence that some reader might take for the block, however it is nested or spelled (Markdown decodes & and \ in an info string).
  const fences = lines.flatMap((line, index) => (/(?:`{3,}|~{3,})\s*(?:cutter|[^`]*[&\\])/i.test(line) ? [index] : []));
  const [start, ...others] = fences;
  if (start === undefined || others.length > 0)
    throw new CutterError("APPROVAL_TEXT_INVALID", { reason: "block", problem: "number of blocks", expected: 1, found: fences.length });
  if (lines[start] !== opening)
    throw new CutterError("APPROVAL_TEXT_INVALID", {
      reason: "block",
      problem: "first line of the block",
      line: start + 1,
      expected: opening,
    });
  const before = lines.slice(0, start).findIndex((line) => !plainLine.test(line));
  if (before !== -1)
    throw new CutterError("APPROVAL_TEXT_INVALID", {
      reason: "block",
      problem: "only plain prose and headings may stand before the block",
      line: before + 1,
    });
  const end = lines.indexOf(closing, start + 1);
  if (end === -1)
    throw new CutterError("APPROVAL_TEXT_INVALID", {
      reason: "block",
      problem: "the block is not closed",
      line: start + 1,
      expected: closing,
    });
  return lines.slice(start + 1, end).join("\n");
}

/** Also for the strings of the block: an escape can spell what the text itself may not hold. @throws APPROVAL_TEXT_INVALID */
export function refuseForbidden(text: string, at: string): void {
  const found = forbidden.exec(text)?.[0].codePointAt(0);
  if (found !== undefined)
    throw new CutterError("APPROVAL_TEXT_INVALID", {
      reason: "character_forbidden",
      at,
      character: `U+${found.toString(16).toUpperCase().padStart(4, "0")}`,
    });
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CutterError("APPROVAL_TEXT_INVALID", { reason: "not_utf8", bytes: bytes.length });
  }
}
