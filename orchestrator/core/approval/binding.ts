// What an approval is for, compared with what we ask for: field by field, each with its own code. Replay for another run, host or plan ends
// here.
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
 * @throws APPROVAL_FOR_ANOTHER, APPROVAL_OUTDATED, each with the field that differs, what was expected and what was found
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
  compare("APPROVAL_FOR_ANOTHER", "gate", expected.gate, approval.gate);
  const decisions = toApprovedDecisions(approval);
  const [own] = decisions;
  const decision = expected.runId === undefined ? own : decisions.find((candidate) => candidate.run_id === expected.runId);
  if (decision === undefined)
    throw new CutterError("APPROVAL_FOR_ANOTHER", {
      field: "run_id",
      expected: expected.runId ?? null,
      found: decisions.slice(0, 10).map((candidate) => candidate.run_id),
    });
  compare("APPROVAL_FOR_ANOTHER", "run_id", expected.runId, decision.run_id);
  compare("APPROVAL_FOR_ANOTHER", "document_id", expected.documentId, decision.document_id);
  compare("APPROVAL_FOR_ANOTHER", "phase", expected.phase, decision.phase);
  compare("APPROVAL_FOR_ANOTHER", "decision", expected.decision, approval.decision);
  compare("APPROVAL_FOR_ANOTHER", "host", expected.host, approval.host);
  compare("APPROVAL_OUTDATED", "release_sha256", expected.releaseSha256, approval.release_sha256);
  compare("APPROVAL_OUTDATED", "payload_sha", expected.payloadSha, decision.payload_sha);
  if (approval.gate !== "RULING") return { decision, compared };
  const { ruling = {} } = expected;
  compare("APPROVAL_OUTDATED", "document_sha256", ruling.documentSha256, approval.document_sha256);
  compare("APPROVAL_OUTDATED", "governance_principal", ruling.governancePrincipal ?? undefined, approval.governance_principal);
  compare("APPROVAL_OUTDATED", "rollback_runbook_sha256", ruling.rollbackRunbookSha256, approval.rollback_runbook_sha256);
  compare("APPROVAL_OUTDATED", "grant_matrix_sha256", ruling.grantMatrixSha256, approval.grant_matrix_sha256);
  return { decision, compared };
}
