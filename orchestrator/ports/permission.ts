// The permission to write: a value nobody can make but engine/live/permission.ts (and engine/revert/permission.ts for a revert), so "forgot
// to check the switch" does not compile.
import type { WriteStep } from "../core/journal/effect.ts";

declare const writePermissionBrand: unique symbol;

/** Good for one step of one run, made right after the kill switch and the approvals were judged and the intent was made durable. */
export interface WritePermission {
  readonly [writePermissionBrand]: true;
  readonly runId: string;
  readonly step: WriteStep | "revert";
  /**
   * The last thing before COMMIT: the transaction's id is made durable in the journal, then switch, token and approvals are judged once
   * more.
   * @throws EXECUTION_REVOKED, APPROVAL_*; then the caller rolls back
   */
  beforeCommit(transactionId: string): Promise<void>;
}
