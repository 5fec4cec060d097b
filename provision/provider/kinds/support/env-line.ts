// One line of ours in an env file of somebody else: where it is, and the edit that leaves every other byte alone. Pure.
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { parseEnvFile } from "../../../../orchestrator/core/host/env-file.ts";
import type { EnvName } from "../../../../orchestrator/core/host/secret-names.ts";

/** Replace `removeBytes` bytes at `offset` by `insert`. */
export interface ByteEdit {
  readonly offset: number;
  readonly removeBytes: number;
  readonly insert: string;
}

/**
 * How often the line stands there in its plain form, and its value where that is once.
 * @throws ENV_LINE_AMBIGUOUS, and ENV_NAME_DOUBLED where one of them is not plain
 */
export function findEnvLine(content: Uint8Array, file: string, name: EnvName): { readonly lines: number; readonly value: string | null } {
  const spans = findLineSpans(Buffer.from(content), file, name);
  return { lines: spans.length, value: spans.length === 1 ? (spans[0]?.value ?? null) : null };
}

/**
 * The edit that makes `name` have `value`; null removes the line. A new line goes to the end, in the file's own manner: after a last line
 * without newline it brings its newline before itself, so that removing it gives the very bytes from before. Where the line stands more
 * than once, one edit removes one of them, and the next call tells the next: the first with the wanted value stays, else the first.
 */
export function toEnvLineEdit(content: Uint8Array, file: string, name: EnvName, value: string | null): ByteEdit | null {
  const bytes = Buffer.from(content);
  const spans = findLineSpans(bytes, file, name);
  const kept = spans.find((span) => span.value === value) ?? spans[0];
  if (kept === undefined) {
    if (value === null) return null;
    const endsOpen = bytes.length > 0 && bytes.at(-1) !== 0x0a;
    return { offset: bytes.length, removeBytes: 0, insert: endsOpen ? `\n${name}=${value}` : `${name}=${value}\n` };
  }
  const extra = spans.findLast((span) => span !== kept);
  if (extra !== undefined) return toRemoval(bytes, extra);
  if (value === null) return toRemoval(bytes, kept);
  return kept.value === value ? null : { offset: kept.start, removeBytes: kept.end - kept.start, insert: `${name}=${value}` };
}

/** A line of ours in its plain form: from its first byte to its newline, or to the end of the file. */
interface LineSpan {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

/** More than these are no slip of a hand. */
const lineSpansMax = 20;

/** Each is judged as if it stood alone: one that lies inside somebody's open quote is refused, not counted. */
function findLineSpans(bytes: Buffer, file: string, name: EnvName): readonly LineSpan[] {
  const spans = findSpans(bytes, name);
  if (spans.length > lineSpansMax) throw new CutterError("ENV_NAME_DOUBLED", { file, lines: spans.length, name });
  if (spans.length === 0) parseEnvFile(bytes, file).get(name); // a line in another form is refused here
  return spans.map((span) => {
    const alone = spans
      .toReversed()
      .filter((other) => other !== span)
      .reduce((rest, other) => Buffer.concat([rest.subarray(0, other.start), rest.subarray(other.end)]), bytes);
    return { ...span, value: parseEnvFile(alone, file).get(name)?.reveal() ?? "" };
  });
}

function findSpans(bytes: Buffer, name: EnvName): readonly Omit<LineSpan, "value">[] {
  const text = bytes.toString("latin1");
  return [...text.matchAll(new RegExp(`(?<![^\\n])${name}=[^\\n]*`, "g"))].map(({ index, 0: line }) => ({
    start: index,
    end: index + line.length,
  }));
}

/** With its newline, or with the one before it where it is the last line and has none. */
function toRemoval(bytes: Buffer, { start, end }: LineSpan): ByteEdit {
  if (end < bytes.length) return { offset: start, removeBytes: end + 1 - start, insert: "" };
  const from = start > 0 ? start - 1 : 0;
  return { offset: from, removeBytes: bytes.length - from, insert: "" };
}
