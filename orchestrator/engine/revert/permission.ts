// The permission to revert: the only place besides engine/live/permission.ts that makes a WritePermission, and only from a REVERT that was
// verified.
import type { VerifiedApproval } from "../../core/approval/verify.ts";
import { CutterError } from "../../core/errors.ts";
import type { WritePermission } from "../../ports/permission.ts";

/**
 * `beforeCommit` makes the transaction's id durable, then judges once more: approval, staging, tokens.
 * @throws APPROVAL_FOR_ANOTHER for an approval of anything else
 */
export function permitRevert(
  runId: string,
  approval: VerifiedApproval,
  beforeCommit: (transactionId: string) => Promise<void>,
): WritePermission {
  if (approval.approval.gate !== "REVERT" || approval.decision.run_id !== runId)
    throw new CutterError("APPROVAL_FOR_ANOTHER", { field: "gate", expected: "REVERT", found: approval.approval.gate });
  const permission = { runId, step: "revert" as const, beforeCommit };
  return permission as typeof permission & WritePermission;
}
