// The sovereign's decisions as rows: SG_1 and SG_2 just before the phase each allows, and the SG_3 that gives a run up. Steps like any
// other, exactly once.
import { z } from "zod";
import type { VerifiedApproval } from "../../core/approval/verify.ts";
import type { VerifiedEntry } from "../../core/journal/live.ts";
import { probeDecision, toDecisionSha256 } from "../../phases/decision-row.ts";
import type { DecisionStep } from "../../phases/decisions.ts";
import type { ReviewDecisionRow } from "../../ports/write-database.ts";
import type { Attempt } from "../kernel/attempt.ts";
import { obtainApproval, type SovereignGate } from "./approvals.ts";
import { storeBatch, advanceBatchEntry } from "./batch.ts";
import { refuseOpenClaims } from "./claims.ts";
import { applyEffectOnce, reconcileStep } from "./apply-once.ts";
import { toExpectedGate } from "../../core/approval/binding.ts";

/** @throws APPROVAL_* (a missing SG_2 waits), DOCUMENT_CLAIMED_BY_RUN, and what a step throws */
export async function recordDecisionBefore(attempt: Attempt, { gate, before }: DecisionStep): Promise<void> {
  await recordDecisionOnce(attempt, {
    gate,
    toRow: (entry) => ({ ...toRow(attempt, entry), phase: before, gate, decision: "approve" }),
    obtain: async () => {
      if (gate === "SG_1") await refuseOpenClaims(attempt, readSourceDocumentId(attempt));
      const verified = await obtainApproval(attempt, gate);
      await storeBatch(attempt, verified);
      return verified;
    },
  });
  await advanceBatchEntry(attempt, gate, "recorded");
}

export interface DecisionRow {
  readonly gate: SovereignGate;
  readonly toRow: (entry: VerifiedEntry) => ReviewDecisionRow;
  /** Makes a fresh decision the one of this run; only asked where no row of an earlier one stands. */
  readonly obtain: () => Promise<VerifiedApproval>;
}

/** What was intended before a crash is asked after first, by the approval it was intended with: a newer one must not hide it. */
export async function recordDecisionOnce(attempt: Attempt, { gate, toRow, obtain }: DecisionRow): Promise<void> {
  const { journal, ports } = attempt;
  if (await reconcileIntended(attempt, { gate, toRow })) return;
  await obtain();
  const entry = journal.status().decided[gate];
  if (entry === undefined) throw new Error(`no ${gate} was verified`);
  const row = toRow(entry);
  await applyEffectOnce(attempt, {
    ...toStep(attempt, gate, row),
    prepare: () => Promise.resolve((permission) => ports.writeDatabase.insertReviewDecision(permission, attempt.run.facts.documentId, row)),
  });
}

/**
 * Whether the row that was intended before stands; a crash in between is resolved by it. Writes nothing to the database.
 * @throws STOP_REPLAY_CONFLICT, COMMIT_UNKNOWN
 */
async function reconcileIntended(attempt: Attempt, { gate, toRow }: Pick<DecisionRow, "gate" | "toRow">): Promise<boolean> {
  const { effects, decided } = attempt.journal.status();
  const intended = decided[gate];
  return effects[gate].state !== "none" && intended !== undefined && (await reconcileStep(attempt, toStep(attempt, gate, toRow(intended))));
}

/** Whether this run holds its claim: SG_1's row stands. */
export async function isClaimed(attempt: Attempt): Promise<boolean> {
  return await reconcileIntended(attempt, { gate: "SG_1", toRow: (entry) => toFirstRow(attempt, entry) });
}

function toStep({ ports, run }: Attempt, gate: SovereignGate, row: ReviewDecisionRow) {
  return { step: gate, expectedSha256: toDecisionSha256(row), probe: () => probeDecision(ports.recorders, run.facts.documentId, row) };
}

function toFirstRow(attempt: Attempt, entry: VerifiedEntry): ReviewDecisionRow {
  return { ...toRow(attempt, entry), ...toExpectedGate("SG_1") };
}

/** What every such row takes from the approval and the run. */
export function toRow(attempt: Attempt, entry: VerifiedEntry): Omit<ReviewDecisionRow, "phase" | "gate" | "decision"> {
  return {
    id: entry.review_decision_id,
    sourceDocumentId: readSourceDocumentId(attempt),
    runId: attempt.run.facts.runId,
    payloadSha: entry.payload_sha,
    approvalKbId: entry.kb_id,
    approvalSha256: entry.document_sha256,
  };
}

const sourcePinOutput = z.looseObject({ registry: z.looseObject({ sourceDocumentId: z.string() }) });

/** As source_pin found it. */
function readSourceDocumentId({ outputs }: Attempt): string {
  return sourcePinOutput.parse(outputs.get("source_pin")).registry.sourceDocumentId;
}
