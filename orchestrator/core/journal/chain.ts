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
  /** Behind them: an append of ours that was cut off, since a line counts from its newline on. Null when the last line is whole. */
  readonly torn: CutTail | null;
}

/**
 * Reads a whole journal back. A cut tail of whole lines cannot be seen here: the receipts in the knowledge base carry (seq, head) and are
 * the witness. @throws JOURNAL_DAMAGED when a line is no record or the chain does not hold
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
  if (wholeBytes === 0) return { records: [], head: chainStart, bytes: 0, torn };
  const records: Entry[] = [];
  let head = chainStart;
  for (const line of toUtf8(bytes.subarray(0, wholeBytes - 1), file).split("\n")) {
    const record = parse(parseLine(line));
    if (record === null) throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "no record" });
    if (record.seq !== records.length)
      throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "wrong sequence" });
    if (record.prev !== head) throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "the chain is broken" });
    records.push(record);
    head = toLineHash(line);
  }
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

/** The whole lines of a chain, unjudged: what an append of ours left behind the last of them is no line. Pure. */
export function toWholeLines(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes.subarray(0, bytes.lastIndexOf(newline) + 1))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
}

const newline = 0x0a;

function toUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CutterError("JOURNAL_DAMAGED", { file, problem: "not UTF-8" }, { cause });
  }
}
