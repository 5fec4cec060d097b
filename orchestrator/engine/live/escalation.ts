// SG_3: what a failed live run waits for, and what the sovereign's decision does. resume lets it go on; void gives it up, if nothing of it
// stands.
import { parseApproval } from "../../core/approval/parse.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { CutterError } from "../../core/errors.ts";
import { mayContinue } from "../../core/journal/live.ts";
import { requireLiveContext, type Attempt } from "../kernel/attempt.ts";
import { recordApproval, verifyRunApproval, recallApproval } from "./approvals.ts";
import { recordDecisionOnce, isClaimed, toRow } from "./record-decision.ts";

/**
 * Gives "voided" when the run is given up and must do nothing more.
 * @throws ESCALATION_OPEN without a decision, APPROVAL_*, APPROVAL_UUID_REUSED, VOID_NOT_CLAIMED, VOID_EFFECTS_STAND, and what a step
 * throws
 */
export async function resolveEscalation(attempt: Attempt): Promise<"goes on" | "voided"> {
  if (mayContinue(attempt.journal.status())) await escalateForVoid(attempt);
  const escalation = attempt.journal.status().escalation;
  if (escalation === null || escalation.decision?.decision === "resume") return "goes on";
  const decided = escalation.decision === null ? await takeDecision(attempt) : "void";
  if (decided === "resume") return "goes on";
  await recordVoid(attempt);
  return "voided";
}

/**
 * A void that comes where no phase waits for it: the sovereign gives up a run that was cut off while it holds its claim. It is raised here,
 * so that it counts; a start that carries a void never goes on to cut. @throws VOID_NOT_CLAIMED, VOID_EFFECTS_STAND, APPROVAL_*
 */
async function escalateForVoid(attempt: Attempt): Promise<void> {
  const { journal, run } = attempt;
  const { token } = requireLiveContext(attempt);
  if (token.escalation === null || parseApproval(token.escalation.document).decision !== "void") return;
  const { approval } = await verifyRunApproval(attempt, token, token.escalation, { gate: "SG_3", decision: "void" });
  if (!(await isClaimed(attempt))) throw new CutterError("VOID_NOT_CLAIMED", { run_id: run.facts.runId });
  await requireAllUnitsRetired(attempt);
  await journal.append({ kind: "escalated", phase: approval.phase, code: "VOID_CLAIM_STANDS", facts: { run_id: run.facts.runId } });
}

/** The decision this start carries, beside its token. */
async function takeDecision(attempt: Attempt): Promise<"resume" | "void"> {
  const { journal, run } = attempt;
  const { escalation, escalationsDecided } = journal.status();
  const { token } = requireLiveContext(attempt);
  const signed = token.escalation;
  if (escalation === null || signed === null)
    throw new CutterError("ESCALATION_OPEN", {
      run_id: run.facts.runId,
      phase: escalation?.phase ?? null,
      failed_with: escalation?.code ?? null,
    });
  const verified = await verifyRunApproval(attempt, token, signed, {
    gate: "SG_3",
    phase: escalation.phase,
    ...(escalation.decision === null ? {} : { decision: "void" }),
  });
  const { approval, decision, documentSha256 } = verified;
  if (approval.gate !== "SG_3") throw new CutterError("APPROVAL_FOR_ANOTHER", { field: "gate", expected: "SG_3", found: approval.gate });
  if (escalationsDecided.includes(decision.review_decision_id))
    throw new CutterError("APPROVAL_UUID_REUSED", { reason: "spent", gate: "SG_3", review_decision_id: decision.review_decision_id });
  if (approval.decision === "void") await requireAllUnitsRetired(attempt);
  await recordApproval(attempt, "SG_3", token.escalationKbId ?? "", signed, verified);
  await journal.append({
    kind: "escalation_decided",
    decision: approval.decision,
    review_decision_id: decision.review_decision_id,
    approval_sha256: documentSha256,
  });
  return approval.decision;
}

/** Records the giving-up, which releases the document, and ends the run for good. */
async function recordVoid(attempt: Attempt): Promise<void> {
  const { journal } = attempt;
  await requireAllUnitsRetired(attempt);
  await recordDecisionOnce(attempt, {
    gate: "SG_3",
    toRow: (entry) => ({ ...toRow(attempt, entry), phase: "void", gate: "SG_3", decision: "void" }),
    obtain: async () => {
      if (hasNewerVoid(attempt)) await takeDecision(attempt);
      return await recallApproval(attempt, "SG_3");
    },
  });
  await journal.append({ kind: "run_voided", why: "SG_3: the sovereign gave this run up" });
}

/** A fresher void than the one decided before: that one may have grown too old before its row stood. */
function hasNewerVoid(attempt: Attempt): boolean {
  const { escalation } = requireLiveContext(attempt).token;
  return escalation !== null && sha256Hex(escalation.document) !== attempt.journal.status().escalation?.decision?.approval_sha256;
}

/** @throws VOID_EFFECTS_STAND while a unit of this run is not retired */
async function requireAllUnitsRetired({ run, ports }: Pick<Attempt, "run" | "ports">): Promise<void> {
  const { documentId, runId } = run.facts;
  const units = await ports.recorders.readUnits(documentId, runId);
  const unretired = units.filter(({ lifecycleState }) => lifecycleState !== "retired");
  if (unretired.length > 0)
    throw new CutterError("VOID_EFFECTS_STAND", {
      run_id: runId,
      units: units.length,
      not_retired: unretired.length,
      first: unretired[0]?.address ?? null,
    });
}
