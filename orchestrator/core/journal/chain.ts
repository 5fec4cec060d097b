// The journal's lines as a chain of hashes: what was appended can be told from what was edited, moved or torn.
import { createHash } from "node:crypto";
import { CutterError } from "../errors.ts";
import { parseRecord, type JournalRecord } from "./record.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

/** What the first record's `prev` is. */
export const chainStart = "0".repeat(64);

/** sha256 of one line's bytes, without its newline: the head of the chain once the line is the last. */
export function toLineHash(line: string): string {
  return createHash("sha256").update(line, "utf8").digest("hex");
}

/** The line of the next record. The caller appends it and takes `toLineHash(line)` as the new head. */
export function toLine(entry: object, chain: { readonly seq: number; readonly at: string; readonly prev: string }): string {
  return JSON.stringify({ seq: chain.seq, at: chain.at, ...entry, prev: chain.prev });
}

export interface ReadChain<Entry extends Chained = JournalRecord> {
  readonly records: readonly Entry[];
  readonly head: string; // hash of the last line, chainStart when there is none
}

/**
 * Reads a whole journal back. A cut tail cannot be seen here: the receipts in the knowledge base carry (seq, head) and are the witness.
 * @throws JOURNAL_TORN when the last line has no newline, JOURNAL_DAMAGED when a line is no record or the chain does not hold.
 */
export function readChain(bytes: Uint8Array, file: string): ReadChain {
  return readLines(bytes, file, parseRecord);
}

/** What every record of a chain has, whatever it says. */
interface Chained {
  readonly seq: number;
  readonly prev: string;
}

/** A chain of other records than a run's; `parse` gives null for what is none. @throws JOURNAL_TORN, JOURNAL_DAMAGED */
export function readLines<Entry extends Chained>(
  bytes: Uint8Array,
  file: string,
  parse: (value: unknown) => Entry | null,
): ReadChain<Entry> {
  if (bytes.length === 0) return { records: [], head: chainStart };
  const text = toUtf8(bytes, file);
  if (!text.endsWith("\n")) throw new CutterError("JOURNAL_TORN", { file, whole_records: text.split("\n").length - 1 });
  const records: Entry[] = [];
  let head = chainStart;
  for (const line of text.slice(0, -1).split("\n")) {
    const record = parse(tryParseJson(line));
    if (record === null) throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "no record" });
    if (record.seq !== records.length)
      throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "wrong sequence" });
    if (record.prev !== head) throw new CutterError("JOURNAL_DAMAGED", { file, line: records.length + 1, problem: "the chain is broken" });
    records.push(record);
    head = toLineHash(line);
  }
  return { records, head };
}

function toUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CutterError("JOURNAL_DAMAGED", { file, problem: "not UTF-8" }, { cause });
  }
}
