// Whether the journal went further once than it does now: the next phase's document in the knowledge base would tell.
import { CutterError } from "../../core/errors.ts";
import type { RunStatus } from "../../core/journal/status.ts";
import { readWitness } from "../../core/journal/witness.ts";
import { toPhaseDocumentId } from "../../core/knowledge-base/phase-document-id.ts";
import type { KnowledgeBase } from "../../ports/knowledge-base.ts";
import type { Run } from "./attempt.ts";

/**
 * A document is stored only after the record it witnesses is durable, and documents are stored in their order: one read is enough.
 * `records`: how many stood when this start began.
 * @throws JOURNAL_DAMAGED reason=behind_knowledge_base, KB_*
 */
export async function requireNoLostRecords(
  { facts, phases }: Run,
  { status, records }: { readonly status: RunStatus; readonly records: number },
  knowledgeBase: KnowledgeBase,
): Promise<void> {
  const number = status.done.length + 1;
  const phase = phases[number - 1];
  if (phase === undefined) return;
  const id = toPhaseDocumentId(facts.config.kb_runs_folder, facts.runId, number, phase.name);
  const document = await knowledgeBase.read(id);
  const witness = document === null ? null : readWitness(document.body);
  if (witness === null || witness.run_id !== facts.runId || witness.journal.seq < records) return;
  throw new CutterError("JOURNAL_DAMAGED", {
    reason: "behind_knowledge_base",
    run_id: facts.runId,
    records,
    document: id,
    witnessed_record: witness.journal.seq,
  });
}
