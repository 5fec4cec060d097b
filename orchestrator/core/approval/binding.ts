// What an approval is for, compared with what we ask for: field by field, each with its own code. Replay for another run, host or plan ends here.
import { toApprovedDecisions, type Approval, type ApprovedDecision, type ApprovalGate } from "./schema.ts";
import type { ApprovalScope, RulingScope } from "./scope.ts";
import type { Code } from "../codes/index.ts";
import { CutterError } from "../errors.ts";
import { phaseOfGate, type PhaseName } from "../phase-names.ts";

/** What the caller needs approved, rebuilt from its own inputs and never from the approval. A field left out is not compared. */
export interface Expected extends Partial<ApprovalScope> {
  readonly gate?: ApprovalGate;
  readonly decision?: string;
  readonly phase?: PhaseName;
  readonly ruling?: ExpectedRuling;
}

export interface ExpectedRuling extends Partial<RulingScope> {
  readonly documentSha256?: string;
}

/** What an approval of a gate that only approves must say of itself. Pure. */
export function toExpectedGate<Gate extends keyof typeof phaseOfGate>(
  gate: Gate,
): { readonly gate: Gate; readonly decision: "approve"; readonly phase: (typeof phaseOfGate)[Gate] } {
  return { gate, decision: "approve", phase: phaseOfGate[gate] };
}

/**
 * Gives the one decision that was asked for (of a batch, the entry of that run; without a run, the document's own) and the fields compared.
 * @throws APPROVAL_GATE_MISMATCH, …_RUN_…, …_DOCUMENT_…, …_PHASE_…, …_DECISION_…, …_HOST_…, …_RELEASE_…, …_PAYLOAD_…, and for a ruling …_SOURCE_…, …_PRINCIPAL_…, …_RUNBOOK_…, …_GRANTS_…
 */
export function requireBinding(
  approval: Approval,
  expected: Expected,
): { readonly decision: ApprovedDecision; readonly compared: readonly string[] } {
  const compared: string[] = [];
  const compare = (code: Code, field: string, wanted: string | undefined, found: string): void => {
    if (wanted === undefined) return;
    if (wanted !== found) throw new CutterError(code, { field, expected: wanted.slice(0, 200), found: found.slice(0, 200) });
    compared.push(field);
  };
  compare("APPROVAL_GATE_MISMATCH", "gate", expected.gate, approval.gate);
  const decisions = toApprovedDecisions(approval);
  const [own] = decisions;
  const decision = expected.runId === undefined ? own : decisions.find((candidate) => candidate.run_id === expected.runId);
  if (decision === undefined)
    throw new CutterError("APPROVAL_RUN_MISMATCH", {
      field: "run_id",
      expected: expected.runId ?? null,
      found: decisions.slice(0, 10).map((candidate) => candidate.run_id),
    });
  compare("APPROVAL_RUN_MISMATCH", "run_id", expected.runId, decision.run_id);
  compare("APPROVAL_DOCUMENT_MISMATCH", "document_id", expected.documentId, decision.document_id);
  compare("APPROVAL_PHASE_MISMATCH", "phase", expected.phase, decision.phase);
  compare("APPROVAL_DECISION_MISMATCH", "decision", expected.decision, approval.decision);
  compare("APPROVAL_HOST_MISMATCH", "host", expected.host, approval.host);
  compare("APPROVAL_RELEASE_MISMATCH", "release_sha256", expected.releaseSha256, approval.release_sha256);
  compare("APPROVAL_PAYLOAD_MISMATCH", "payload_sha", expected.payloadSha, decision.payload_sha);
  if (approval.gate !== "RULING") return { decision, compared };
  const { ruling = {} } = expected;
  compare("APPROVAL_SOURCE_MISMATCH", "document_sha256", ruling.documentSha256, approval.document_sha256);
  compare("APPROVAL_PRINCIPAL_MISMATCH", "governance_principal", ruling.governancePrincipal ?? undefined, approval.governance_principal);
  compare("APPROVAL_RUNBOOK_MISMATCH", "rollback_runbook_sha256", ruling.rollbackRunbookSha256, approval.rollback_runbook_sha256);
  compare("APPROVAL_GRANTS_MISMATCH", "grant_matrix_sha256", ruling.grantMatrixSha256, approval.grant_matrix_sha256);
  return { decision, compared };
}
