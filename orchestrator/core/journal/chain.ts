// The journal's lines as a chain of hashes: what was appended can be told from what was edited, moved or torn.
import { createHash } from "node:crypto";
import { CutterError } from "../errors.ts";
import { parseRecord, type CutTail, type JournalRecord } from "./record.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

/** What the first record's `prev` is. */
export const chainStart = "0".repeat(64);

/** sha256 of one line's bytes, without its newline: the head of the chain once the line is the last. */
export function toLineHash(line: string): string {
  return createHash("sha256").update(line, "utf8").digest("hex");
}

/** The line of the next record. The caller appends it and takes `toLineHash(line)` as the new head. */
export function toLine(
  entry: object,
  { seq, at, prev, cut }: { readonly seq: number; readonly at: string; readonly prev: string; readonly cut?: CutTail | undefined },
): string {
  return JSON.stringify({ seq, at, ...entry, ...(cut === undefined ? {} : { cut }), prev });
}

export interface ReadChain<Entry extends Chained = JournalRecord> {
  readonly records: readonly Entry[];
  readonly head: string; // hash of the last line, chainStart when there is none
  readonly bytes: number; // of all whole lines
  /** Behind them: an append of ours that was cut off, since a line counts from its newline on. Null when the last line has its newline. */
  readonly torn: CutTail | null;
}

/**
 * Reads a whole journal back. A cut tail of whole lines cannot be seen here: the receipts in the knowledge base carry (seq, head) and are
 * the witness. @throws JOURNAL_DAMAGED when a line is no record, the chain does not hold, or what lies behind the last line is no append of
 * ours
 */
export function readChain(bytes: Uint8Array, file: string): ReadChain {
  return readLines(bytes, file, parseRecord);
}

/** What every record of a chain has, whatever it says. */
interface Chained {
  readonly seq: number;
  readonly prev: string;
}

/** A chain of other records than a run's; `parse` gives null for what is none. @throws JOURNAL_DAMAGED */
export function readLines<Entry extends Chained>(
  bytes: Uint8Array,
  file: string,
  parse: (value: unknown) => Entry | null,
): ReadChain<Entry> {
  const wholeBytes = bytes.lastIndexOf(newline) + 1;
  const tail = bytes.subarray(wholeBytes);
  const torn = tail.length === 0 ? null : { bytes: tail.length, sha256: createHash("sha256").update(tail).digest("hex") };
  const records: Entry[] = [];
  let head = chainStart;
  for (const line of wholeBytes === 0 ? [] : toUtf8(bytes.subarray(0, wholeBytes - 1), file).split("\n")) {
    const record = parse(parseLine(line));
    if (record === null) throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "no record" });
    if (record.seq !== records.length)
      throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "wrong sequence" });
    if (record.prev !== head) throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "the chain is broken" });
    records.push(record);
    head = toLineHash(line);
  }
  if (!isCutOffLine(tail, records.length))
    throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "no record" });
  return { records, head, bytes: wholeBytes, torn };
}

/**
 * Undefined for what no program of ours appended: our lines are JSON as `toLine` writes it. Any other spelling of a value, a key that
 * stands twice above all, could be read as one thing by us and as another by the next reader. Pure.
 */
function parseLine(line: string): unknown {
  const value = tryParseJson(line);
  return JSON.stringify(value) === line ? value : undefined;
}

/**
 * The lines of a chain, unjudged. What an append of ours left behind the last whole one is no line; anything else there is one, and
 * cannot be read. Pure.
 */
export function toWholeLines(bytes: Uint8Array): readonly string[] {
  const wholeBytes = bytes.lastIndexOf(newline) + 1;
  const lines = Buffer.from(bytes.subarray(0, wholeBytes)).toString("utf8").split("\n").slice(0, -1);
  const tail = bytes.subarray(wholeBytes);
  return isCutOffLine(tail, lines.length) ? lines : [...lines, Buffer.from(tail).toString("utf8")];
}

/** Whether `tail` can be the beginning, or all but the newline, of the line `seq` of a chain, or nothing. Pure. */
export function isCutOffLine(tail: Uint8Array, seq: number): boolean {
  const text = Buffer.from(tail).toString("latin1");
  const beginning = `{"seq":${String(seq)},"at":"`;
  if (!(text.startsWith(beginning) || beginning.startsWith(text))) return false;
  // JSON.stringify writes no control character, and nothing but the end of an outer value follows a value's end.
  return tail.every((byte) => byte >= 0x20) && !/"prev":"[0-9a-f]{64}"\}[^,\]}]/.test(text);
}

const newline = 0x0a;

function toUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CutterError("JOURNAL_DAMAGED", { file, problem: "not UTF-8" }, { cause });
  }
}
