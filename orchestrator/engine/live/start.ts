// The beginning of every start of a live run: token, ruling, clocks, the document's lock, an open escalation, SG_1. Only then the phases.
import { requireBinding, toExpectedGate, type ExpectedRuling } from "../../core/approval/binding.ts";
import { CutterError } from "../../core/errors.ts";
import type { VerifiedApproval } from "../../core/approval/verify.ts";
import type { LiveToken } from "../../ports/live-token.ts";
import { requireLiveContext, type Attempt } from "../kernel/attempt.ts";
import { withResource } from "../kernel/with-resource.ts";
import { archiveKeysAndRunbook } from "./archive-keys.ts";
import { recordApproval, verifyRunApproval, obtainApproval } from "./approvals.ts";
import { refuseOpenClaims } from "./claims.ts";
import { requireClocks } from "./clocks.ts";
import { resolveEscalation } from "./escalation.ts";

/**
 * Does `work` under everything a live run must hold; not at all when the run is given up here.
 * @throws EXECUTION_REVOKED, APPROVAL_*, CLOCKS_DISAGREE, DOCUMENT_CLAIMED_BY_RUN, ESCALATION_OPEN, …
 */
export async function runLiveAttempt(attempt: Attempt, work: (attempt: Attempt) => Promise<void>): Promise<void> {
  const { run, ports } = attempt;
  const { runId, documentId } = run.facts;
  const token = await ports.readLiveToken(runId).catch((cause: unknown) => {
    throw new CutterError("EXECUTION_REVOKED", { run_id: runId, at: "start", problem: "its token cannot be read" }, { cause });
  });
  await requireClocks(attempt);
  const document = await ports.recorders.lockDocument(documentId, runId);
  await withResource(ports, document, async () => {
    const ruling = await verifyRuling(attempt, token);
    const live: Attempt = { ...attempt, live: { token, ruling, document, approvals: new Map() } };
    await archiveKeysAndRunbook(ports.files, live.folder, token);
    await recordApproval(live, "RULING", "", token.ruling, ruling);
    if ((await resolveEscalation(live)) === "voided") return;
    if (live.journal.status().effects.SG_1.state === "none") await requireUnclaimedAndApproved(live);
    await work(live);
  });
}

/**
 * Before phase 1 of a run that has not claimed its document: another run's claim, then SG_1, so that an unapproved run computes nothing.
 */
async function requireUnclaimedAndApproved(live: Attempt): Promise<void> {
  const { run, ports } = live;
  const registry = await ports.database.readRegistryRows(run.facts.documentId);
  if (registry !== null) await refuseOpenClaims(live, registry.sourceDocumentId);
  await obtainApproval(live, "SG_1");
}

async function verifyRuling(attempt: Attempt, token: LiveToken): Promise<VerifiedApproval> {
  const { governance_principal, expected_grant_matrix_sha } = attempt.run.facts.config;
  if (governance_principal === null) throw new CutterError("PRINCIPAL_NOT_PINNED", { step: "start" });
  return await verifyRunApproval(attempt, token, token.ruling, {
    ...toExpectedGate("RULING"),
    ruling: { governancePrincipal: governance_principal, grantMatrixSha256: expected_grant_matrix_sha },
  });
}

/** What only a phase could tell of the ruling's own facts. @throws APPROVAL_OUTDATED */
export function requireRulingNames(attempt: Attempt, ruling: ExpectedRuling): void {
  requireBinding(requireLiveContext(attempt).ruling.approval, { ruling });
}
