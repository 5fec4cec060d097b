// PostgreSQL as an emergency revert sees it: what stands of a run, and the one transaction that takes it back. Two logins: the reader's,
// and the revert principal's.
import type { UnitEffect } from "../core/journal/effect.ts";
import type { RestOfTable } from "../core/revert/differences.ts";
import type { WritePermission } from "./permission.ts";

/** What the read-only login sees of a run. */
export interface RevertState {
  readonly decisions: number; // rows of review_decision; 0: the database knows no such run
  readonly documentId: string | null; // that SG_1's row claims
  readonly payloadSha: string | null; // of SG_1's row
  readonly unitsOfRun: number;
  readonly stillStanding: number; // of them, not retired
  readonly revertsLogged: number; // of them, with the revert's own log row
  readonly revertDecisions: readonly string[]; // UUIDs of the REVERTs in those log rows
  readonly decisionUsed: boolean; // the UUID asked about stands for something else
}

export interface RevertRequest {
  readonly runId: string;
  readonly documentId: string;
  readonly reviewDecisionId: string;
  readonly runbook: string; // SQL without transaction statements; its last query is its proof
  readonly expectedDigest: string; // of the document's rows: what was compared with the plan and backed up
  readonly plannedAddresses: readonly string[];
  readonly expectedUnits: number;
}

/** The runbook's own proof, read inside the transaction. */
export interface RevertProof {
  readonly unitsOfRun: number;
  readonly stillStanding: number;
  readonly revertsLogged: number;
}

export interface RevertDatabase {
  /** Waits for writers of the document that nobody sees any more, then reads. @throws DATABASE_* */
  readState(documentId: string, runId: string, reviewDecisionId: string | null): Promise<RevertState>;
  /** The run's units as they stand, in order of ordinals. */
  readUnits(runId: string): Promise<readonly UnitEffect[]>;
  /** Each table in scope without the rows of this run, and how many those are. */
  readRest(runId: string): Promise<readonly RestOfTable[]>;
  /**
   * One transaction by the revert principal: limits, the document's lock, the units locked, the digest of the document's rows compared, the
   * runbook, its proof compared, `permission.beforeCommit`, COMMIT, whose tag is required.
   * @throws REVERT_ROWS_CHANGED, REVERT_RUN_UNKNOWN, REVERT_UNIT_*, REVERT_NOT_PROVEN, DATABASE_*: all rolled back; REVERT_COMMIT_UNKNOWN:
   * only reading can tell
   */
  apply(permission: WritePermission, request: RevertRequest): Promise<RevertProof>;
  close(): Promise<void>;
}
