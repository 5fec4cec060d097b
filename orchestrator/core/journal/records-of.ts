// The records of one kind out of a journal, typed as what they are. Pure.
import type { JournalEntry, JournalRecord } from "./record.ts";

type Entry<Kind extends JournalEntry["kind"]> = Extract<JournalEntry, { readonly kind: Kind }>;
export type RecordOf<Kind extends JournalEntry["kind"]> = Omit<JournalRecord, "entry"> & { readonly entry: Entry<Kind> };

/** In the journal's order. */
export function recordsOf<Kind extends JournalEntry["kind"]>(records: readonly JournalRecord[], kind: Kind): readonly RecordOf<Kind>[] {
  return records.filter((record): record is RecordOf<Kind> => record.entry.kind === kind);
}
