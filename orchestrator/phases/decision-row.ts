// The review_decision row of a live run: what it says, its digest, and what the database says of it.
import { toEffectSha256, type Layers } from "../core/journal/effect.ts";
import type { Recorders } from "../ports/recorders.ts";
import type { ReviewDecisionRow } from "../ports/write-database.ts";

/** Digest of exactly this row, without what the database adds. Pure. */
export function toDecisionSha256(row: ReviewDecisionRow): string {
  const { id, sourceDocumentId, phase, gate, runId, decision, payloadSha, approvalKbId, approvalSha256 } = row;
  const values = {
    id,
    source_document_id: sourceDocumentId,
    phase,
    gate,
    run_id: runId,
    decision,
    payload_sha: payloadSha,
    approval_kb_id: approvalKbId,
    approval_sha256: approvalSha256,
  };
  return toEffectSha256([{ table: "cutter_governance.review_decision", values }]);
}

/** Unique layer: what stands under (document, phase, run). Recorder: what stands under the sovereign's UUID. */
export async function probeDecision(recorders: Recorders, documentId: string, row: ReviewDecisionRow): Promise<Layers> {
  const rows = await recorders.readDecisions(documentId, row.sourceDocumentId, row.runId);
  return { unique: toLayer(rows.filter(({ phase }) => phase === row.phase)), recorder: toLayer(rows.filter(({ id }) => id === row.id)) };
}

function toLayer(rows: readonly ReviewDecisionRow[]): Layers["unique"] {
  const [row, ...more] = rows;
  if (row === undefined) return { state: "none" };
  return more.length === 0 ? { state: "there", sha256: toDecisionSha256(row) } : { state: "partial", found: rows.length, expected: 1 };
}
