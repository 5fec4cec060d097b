// Claims of other runs on the document: while one is open, this run writes nothing.
import { isOpenClaim } from "../../core/run/claim.ts";
import { CutterError } from "../../core/errors.ts";
import { toPhaseDocumentId } from "../../core/knowledge-base/phase-document-id.ts";
import type { Attempt } from "../kernel/attempt.ts";

/** @throws DOCUMENT_CLAIMED_BY_RUN, DATABASE_*, KB_* */
export async function refuseOpenClaims({ run, ports }: Attempt, sourceDocumentId: string): Promise<void> {
  const { documentId, runId, config } = run.facts;
  for (const claim of await ports.recorders.readClaims(documentId, sourceDocumentId, runId)) {
    const closeoutId = toPhaseDocumentId(config.kb_runs_folder, claim.runId, run.phases.length, run.phases.at(-1)?.name ?? "closeout");
    const closedOut = isOpenClaim(claim, true) ? false : (await ports.knowledgeBase.read(closeoutId)) !== null;
    if (!isOpenClaim(claim, closedOut)) continue;
    const { unitsCreated, unitsEnacted, unitsRetired } = claim;
    throw new CutterError("DOCUMENT_CLAIMED_BY_RUN", {
      run_id: claim.runId,
      document_id: documentId,
      review_decision_id: claim.reviewDecisionId,
      units_created: unitsCreated,
      units_enacted: unitsEnacted,
      units_retired: unitsRetired,
    });
  }
}
