// Whether the journal went further once than it does now: the next phase's document in the knowledge base would tell.
import { CutterError } from "../../core/errors.ts";
import { readWitness } from "../../core/journal/witness.ts";
import { toPhaseDocumentId } from "../../core/knowledge-base/phase-document-id.ts";
import type { Phase } from "../../phases/define.ts";
import type { KnowledgeBase } from "../../ports/knowledge-base.ts";
import type { Journal } from "./journal-writer.ts";

/** A run's journal as a start or a void found it. */
export interface FoundJournal {
  readonly runId: string;
  readonly kbRunsFolder: string;
  readonly phases: readonly Pick<Phase, "name">[];
  readonly journal: Pick<Journal, "status" | "witness">;
  readonly records: number; // how many stood then
}

/**
 * A document is stored only after the record it witnesses is durable, and documents are stored in their order: one read is enough. What
 * starts appended since then does not hide it: the record it names must be the one that stands there.
 * @throws JOURNAL_DAMAGED reason=behind_knowledge_base, KB_*
 */
export async function requireNoLostRecords(
  { runId, kbRunsFolder, phases, journal, records }: FoundJournal,
  knowledgeBase: Pick<KnowledgeBase, "read">,
): Promise<void> {
  const number = journal.status().done.length + 1;
  const phase = phases[number - 1];
  if (phase === undefined) return;
  const id = toPhaseDocumentId(kbRunsFolder, runId, number, phase.name);
  const document = await knowledgeBase.read(id);
  const witness = document === null ? null : readWitness(document.body);
  if (witness === null || witness.run_id !== runId) return;
  const { seq, head } = witness.journal;
  if (seq < records && journal.witness(seq).head === head) return;
  throw new CutterError("JOURNAL_DAMAGED", {
    reason: "behind_knowledge_base",
    run_id: runId,
    records,
    document: id,
    witnessed_record: seq,
  });
}
