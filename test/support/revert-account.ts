// A run that its revert took back and told, as an account of the revert's journal tells it.
import type { RevertAccount } from "../../orchestrator/core/revert/account.ts";

export const revertAccount: RevertAccount = {
  state: "reverted",
  revertedAt: "2026-11-22T12:00:00.000Z",
  found: "committed",
  units: 4,
  transactionId: "950",
  openTransaction: null,
  verifiedAt: "2026-11-22T12:00:01.000Z",
  tables: [],
  approval: null,
  runbookSha256: null,
  backupSha256: null,
  receipt: null,
  code: null,
  complete: true,
};
