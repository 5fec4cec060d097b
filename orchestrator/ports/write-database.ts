// The write side of PostgreSQL: one method per step, each one transaction by the step's own login. Nothing here can be called without a
// permission.
import type { EnactEffect, UnitEffect } from "../core/journal/effect.ts";
import type { WritePermission } from "./permission.ts";

/** A row of cutter_governance.review_decision. `id` is the sovereign's UUID: the primary key reserves it. */
export interface ReviewDecisionRow {
  readonly id: string;
  readonly sourceDocumentId: string;
  readonly phase: string; // cut_leg_a, lifecycle_enact; void for an SG_3 that gives the run up
  readonly gate: "SG_1" | "SG_2" | "SG_3";
  readonly runId: string;
  readonly decision: "approve" | "void";
  readonly payloadSha: string;
  readonly approvalKbId: string;
  readonly approvalSha256: string;
}

export interface CreateUnits {
  readonly runId: string;
  readonly documentId: string; // knowledge base id: scope of the lock and of the digest
  readonly fromDigest: string;
  readonly plannedAddresses: readonly string[];
  readonly reviewDecisionId: string;
  readonly units: readonly (UnitEffect & { readonly body: string })[]; // parents before children
}

export interface LegBRecord {
  readonly runId: string;
  readonly documentId: string;
  readonly sourceDocumentId: string;
  readonly sourceVersionId: string;
  readonly reviewDecisionId: string;
  readonly payloadSha: string;
  readonly fromDigest: string;
  readonly toDigest: string;
  readonly unitCount: number;
  readonly manifest: string; // canonical JSON text; its sha256 is the manifest's
  readonly manifestSha256: string;
  readonly signatures: readonly {
    readonly signerRole: "sovereign" | "architect";
    readonly keyFingerprint: string;
    readonly signatureSha256: string;
    readonly approvalKbId: string;
  }[];
}

export interface VerifyResultRow {
  readonly changeSetId: string;
  readonly runId: string;
  readonly documentId: string;
  readonly verdict: "pass" | "fail";
  readonly unitsChecked: number;
  readonly toDigest: string;
}

export interface EnactUnits {
  readonly runId: string;
  readonly documentId: string;
  readonly units: readonly (EnactEffect & { readonly expectedVersionId: string })[];
}

/**
 * Each method: begin read write; limits, synchronous_commit and client_connection_check_interval set; the document's transaction lock;
 * the writes; counts compared with what was asked; `permission.beforeCommit(xid)`; COMMIT, whose tag is required.
 * @throws EFFECT_REFUSED (the function's own reason), EFFECT_COUNT_WRONG, ROWS_MOVED, DATABASE_LOCKED (lock not granted in time),
 * DATABASE_*: all rolled back; COMMIT_OUTCOME_UNKNOWN when COMMIT was sent and no answer came: only the recorder can tell.
 */
export interface WriteDatabase {
  insertReviewDecision(permission: WritePermission, documentId: string, row: ReviewDecisionRow): Promise<void>;
  createUnits(permission: WritePermission, request: CreateUnits): Promise<void>;
  recordLegB(permission: WritePermission, record: LegBRecord): Promise<void>;
  insertVerifyResult(permission: WritePermission, row: VerifyResultRow): Promise<void>;
  enactUnits(permission: WritePermission, request: EnactUnits): Promise<void>;
  close(): Promise<void>;
}
