// The revert's journal in use: every entry is judged, then made durable, then true.
import { readLines, toLine, toLineHash } from "../../core/journal/chain.ts";
import { newRevert, nextRevertStatus, parseRevertRecord, type RevertEntry, type RevertStatus } from "../../core/revert/journal.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JournalStore } from "../../ports/journal.ts";

export interface RevertJournal {
  status(): RevertStatus;
  /** Sequence and hash of the last record. */
  head(): { readonly seq: number; readonly head: string };
  /** Durable when it returns. @throws JOURNAL_DAMAGED before anything is written */
  append(entry: RevertEntry): Promise<void>;
}

/** A tail that an append of ours left is cut back by the next one, as in a run's journal. @throws JOURNAL_DAMAGED, DISK_FULL */
export async function openRevertJournal(store: JournalStore, file: string, clock: Clock): Promise<RevertJournal> {
  const chain = readLines(await store.read(), file, parseRevertRecord);
  let status = chain.records.reduce(nextRevertStatus, newRevert);
  let seq = chain.records.length;
  let { head, torn } = chain;
  return {
    status: () => status,
    head: () => ({ seq: seq - 1, head }),
    append: async (entry) => {
      const record = { seq, at: clock.now().toISOString(), prev: head, ...(torn === null ? {} : { cut: torn }), entry };
      const next = nextRevertStatus(status, record);
      const line = toLine(entry, record);
      await (torn === null ? store.append(line) : store.replaceTail(chain.bytes, line));
      torn = null;
      [status, seq, head] = [next, seq + 1, toLineHash(line)];
    },
  };
}
