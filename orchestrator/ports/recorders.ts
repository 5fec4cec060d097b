// What the database says a run has left there: read by the read-only login, after waiting for the document's transaction lock, so that an
// orphaned writer has ended.
import type { UnitEffect } from "../core/journal/effect.ts";
import type { ReviewDecisionRow, LegBRecord, VerifyResultRow } from "./write-database.ts";

/** A unit version and its unit, found by the run's idempotency keys; in the order of ordinals. */
export interface RecordedUnit extends UnitEffect {
  readonly unitId: string;
  readonly versionId: string;
  readonly versionNo: number;
  readonly storedBodySha256: string; // computed from the stored bytes, not the recorded column
  readonly isCurrent: boolean;
  readonly lifecycleState: string;
  readonly createdBy: string; // login
  readonly createdByRun: string; // of the unit
}

export interface RecordedLegB {
  readonly changeSetId: string;
  readonly record: LegBRecord; // documentId as it was asked
  readonly recordedBy: string;
}

export interface RecordedEnact {
  readonly idempotencyKey: string;
  readonly address: string;
  readonly fromState: string;
  readonly toState: string;
  readonly reviewDecisionId: string | null;
  readonly actor: string;
}

/** Another run's durable claim on the document: its SG_1 row, and how far it came. */
export interface DocumentClaim {
  readonly runId: string;
  readonly reviewDecisionId: string;
  readonly unitsCreated: number;
  readonly unitsEnacted: number;
  readonly unitsRetired: number;
  readonly voided: boolean;
}

/** Held until release(): PostgreSQL's session lock on the document, the authority across hosts. */
export interface SessionLock {
  /** @throws DOCUMENT_LOCK_LOST when the line to the server broke: the lock is gone with it. */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

/** Every read waits at most `lockTimeoutMs` for the document's transaction lock. @throws DATABASE_LOCKED, DATABASE_* */
export interface Recorders {
  readDecisions(documentId: string, sourceDocumentId: string, runId: string): Promise<readonly ReviewDecisionRow[]>;
  /** SG_1 rows of other runs on this document, oldest first. */
  readClaims(documentId: string, sourceDocumentId: string, exceptRunId: string): Promise<readonly DocumentClaim[]>;
  readUnits(documentId: string, runId: string): Promise<readonly RecordedUnit[]>;
  /** Of the planned addresses, those that exist, with the run that created each: the UNIQUE layer of leg A. */
  readAddresses(
    documentId: string,
    addresses: readonly string[],
  ): Promise<readonly { readonly address: string; readonly createdByRun: string }[]>;
  /** Bodies of the run's units in order of ordinals, as bytes; for the read-back. */
  readBodies(documentId: string, runId: string, take: (ordinal: number, body: Uint8Array) => void): Promise<number>;
  readLegB(documentId: string, sourceDocumentId: string, runId: string): Promise<RecordedLegB | null>;
  readVerifyResult(
    documentId: string,
    changeSetId: string,
    runId: string,
  ): Promise<(VerifyResultRow & { readonly verifiedBy: string }) | null>;
  readEnacted(documentId: string, runId: string): Promise<readonly RecordedEnact[]>;
  /** pg_xact_status of a transaction id the journal kept; "unknown" when the server no longer knows. */
  readTransactionStatus(transactionId: string): Promise<"committed" | "aborted" | "in progress" | "unknown">;
  /** @throws DOCUMENT_CLAIMED with who holds it (host, run id from application_name where visible) */
  lockDocument(documentId: string, runId: string): Promise<SessionLock>;
}
