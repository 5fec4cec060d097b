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

/** @throws JOURNAL_TORN, JOURNAL_DAMAGED */
export async function openRevertJournal(store: JournalStore, file: string, clock: Clock): Promise<RevertJournal> {
  const chain = readLines(await store.read(), file, parseRevertRecord);
  let status = chain.records.reduce(nextRevertStatus, newRevert);
  let seq = chain.records.length;
  let head = chain.head;
  return {
    status: () => status,
    head: () => ({ seq: seq - 1, head }),
    append: async (entry) => {
      const record = { seq, at: clock.now().toISOString(), prev: head, entry };
      const next = nextRevertStatus(status, record);
      const line = toLine(entry, record);
      await store.append(line);
      [status, seq, head] = [next, seq + 1, toLineHash(line)];
    },
  };
}
