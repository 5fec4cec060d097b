// The run's journal in use: every entry is judged by the state machine, then made durable, then true.
import { readChain, toLine, toLineHash } from "../../core/journal/chain.ts";
import type { CutTail, JournalEntry, JournalRecord } from "../../core/journal/record.ts";
import { nextStatus, toStatus, type RunStatus } from "../../core/journal/status.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JournalStore } from "../../ports/journal.ts";

export interface Journal {
  status(): RunStatus;
  /** (sequence, hash) of a record: what a phase document carries as witness. */
  witness(seq: number): { readonly seq: number; readonly head: string };
  /** How many records stand. */
  length(): number;
  /** What lies behind the last whole record and was never one; the next append takes its place. Null when there is nothing. */
  torn(): CutTail | null;
  /** Durable when it returns. @throws JOURNAL_DAMAGED before anything is written, DISK_FULL, JOURNAL_NOT_WRITTEN */
  append(entry: JournalEntry): Promise<JournalRecord>;
}

/** Changes nothing by itself. @throws JOURNAL_DAMAGED, DISK_FULL */
export async function openJournal(store: JournalStore, file: string, clock: Clock): Promise<Journal> {
  const chain = readChain(await store.read(), file);
  const hashes = [...chain.records.slice(1).map((record) => record.prev), ...(chain.records.length === 0 ? [] : [chain.head])];
  let status = toStatus(chain.records);
  let { head, torn } = chain;
  return {
    length: () => hashes.length,
    torn: () => torn,
    status: () => status,
    witness: (seq) => {
      const hash = hashes[seq];
      if (hash === undefined) throw new Error(`no journal record ${String(seq)}`);
      return { seq, head: hash };
    },
    append: async (entry) => {
      const cut = torn === null ? {} : { cut: torn };
      const record: JournalRecord = { seq: hashes.length, at: clock.now().toISOString(), prev: head, ...cut, entry };
      const next = nextStatus(status, record);
      const line = toLine(entry, record);
      await (torn === null ? store.append(line) : store.replaceTail(chain.bytes, line));
      torn = null;
      status = next;
      head = toLineHash(line);
      hashes.push(head);
      return record;
    },
  };
}
