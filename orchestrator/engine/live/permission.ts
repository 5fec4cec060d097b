// The only place that makes a WritePermission: for one step, after switch, token, approvals and lock were judged; and all of them again
// just before COMMIT.
import { requireFresh } from "../../core/approval/freshness.ts";
import type { VerifiedApproval } from "../../core/approval/verify.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import type { WriteStep } from "../../core/journal/effect.ts";
import { CutterError } from "../../core/errors.ts";
import type { WritePermission } from "../../ports/permission.ts";
import { requireLiveContext, type Attempt, type LiveContext } from "../kernel/attempt.ts";
import { recallApproval } from "./approvals.ts";

/** The sovereign's word each step rests on, which must still be fresh when it is acted upon. The steps between rest on the ruling alone. */
const approvalOfStep = {
  SG_1: "SG_1",
  cut_leg_a: "SG_1",
  SG_2: "SG_2",
  lifecycle_enact: "SG_2",
  SG_3: "SG_3",
  leg_b_record: null,
  write_verify: null,
  pre_write_backup: null,
} as const satisfies Record<WriteStep, "SG_1" | "SG_2" | "SG_3" | null>;

/**
 * The intent of the step must stand in the journal. Good for one transaction.
 * @throws EXECUTION_REVOKED, APPROVAL_*, DOCUMENT_LOCK_LOST
 */
export async function permitStep(attempt: Attempt, step: WriteStep): Promise<WritePermission> {
  const { run, journal, checkpoints } = attempt;
  if (journal.status().effects[step].state !== "intended") throw new Error(`no intent stands for ${step}`);
  const gate = approvalOfStep[step];
  const approval = gate === null ? null : await recallApproval(attempt, gate);
  await requirePermitted(attempt, step, approval);
  const permission = {
    runId: run.facts.runId,
    step,
    beforeCommit: async (transactionId: string): Promise<void> => {
      await journal.append({ kind: "transaction", step, id: transactionId });
      checkpoints.passBoundary("transaction_recorded", step);
      await requirePermitted(attempt, step, approval);
      checkpoints.passBoundary("commit_judged", step);
    },
  };
  return permission as WritePermission;
}

async function requirePermitted(attempt: Attempt, step: WriteStep, approval: VerifiedApproval | null): Promise<void> {
  const { ports } = attempt;
  const live = requireLiveContext(attempt);
  await requireEnabled(attempt, step);
  await requireSameToken(attempt, live, step);
  for (const signed of [live.ruling, ...(approval === null ? [] : [approval])]) {
    requireFresh(
      signed.approval,
      signed.signers.map(({ signedAt }) => signedAt),
      ports.clock.now(),
    );
  }
  await live.document.assertHeld();
}

/** The switch, asked anew. @throws EXECUTION_REVOKED */
export async function requireEnabled({ run, ports }: Attempt, at: string): Promise<void> {
  if (!(await ports.executionEnabled(run.facts.runId))) throw new CutterError("EXECUTION_REVOKED", { run_id: run.facts.runId, at });
}

/** A token that was put in the place of the one this start began with allows something else. */
async function requireSameToken({ run, ports }: Attempt, live: LiveContext, at: string): Promise<void> {
  const now = await ports.readLiveToken(run.facts.runId).catch((cause: unknown) => {
    throw new CutterError("EXECUTION_REVOKED", { run_id: run.facts.runId, at, problem: "its token cannot be read" }, { cause });
  });
  const same = now.payloadSha === live.token.payloadSha && sha256Hex(now.ruling.document) === live.ruling.documentSha256;
  if (!same) throw new CutterError("EXECUTION_REVOKED", { run_id: run.facts.runId, at, problem: "its token was replaced" });
}
