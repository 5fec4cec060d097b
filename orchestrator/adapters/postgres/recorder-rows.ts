// The recorders' rows, parsed at the border. Pure.
import { z } from "zod";
import type { DocumentClaim, RecordedEnact, RecordedLegB, RecordedUnit } from "../../ports/recorders.ts";
import type { ReviewDecisionRow, VerifyResultRow } from "../../ports/write-database.ts";

const decisionRow = z.strictObject({
  id: z.string(),
  source_document_id: z.string(),
  phase: z.string(),
  gate: z.enum(["SG_1", "SG_2", "SG_3"]),
  run_id: z.string(),
  decision: z.enum(["approve", "void"]),
  payload_sha: z.string(),
  approval_kb_id: z.string(),
  approval_sha256: z.string(),
});

export function toDecision(row: unknown): ReviewDecisionRow {
  const found = decisionRow.parse(row);
  return {
    id: found.id,
    sourceDocumentId: found.source_document_id,
    phase: found.phase,
    gate: found.gate,
    runId: found.run_id,
    decision: found.decision,
    payloadSha: found.payload_sha,
    approvalKbId: found.approval_kb_id,
    approvalSha256: found.approval_sha256,
  };
}

const documentClaimRow = z.strictObject({
  run_id: z.string(),
  review_decision_id: z.string(),
  units_created: z.int(),
  units_enacted: z.int(),
  units_retired: z.int(),
  voided: z.boolean(),
});

export function toDocumentClaim(row: unknown): DocumentClaim {
  const found = documentClaimRow.parse(row);
  return {
    runId: found.run_id,
    reviewDecisionId: found.review_decision_id,
    unitsCreated: found.units_created,
    unitsEnacted: found.units_enacted,
    unitsRetired: found.units_retired,
    voided: found.voided,
  };
}

const unitRow = z.strictObject({
  idempotency_key: z.string(),
  address: z.string(),
  doc_code: z.string(),
  parent: z.string().nullable(),
  kind: z.string(),
  ordinal: z.int(),
  heading_path: z.string(),
  byte_start: z.int(),
  byte_end: z.int(),
  body_sha256: z.string(),
  source_version_id: z.string(),
  unit_id: z.string(),
  version_id: z.string(),
  version_no: z.int(),
  stored_body_sha256: z.string(),
  is_current: z.boolean().nullable(),
  lifecycle_state: z.string(),
  created_by: z.string(),
  created_by_run: z.string(),
});

export function toUnit(row: unknown): RecordedUnit {
  const found = unitRow.parse(row);
  return {
    idempotencyKey: found.idempotency_key,
    address: found.address,
    docCode: found.doc_code,
    parent: found.parent,
    kind: found.kind,
    ordinal: found.ordinal,
    headingPath: found.heading_path,
    byteStart: found.byte_start,
    byteEnd: found.byte_end,
    bodySha256: found.body_sha256,
    sourceVersionId: found.source_version_id,
    unitId: found.unit_id,
    versionId: found.version_id,
    versionNo: found.version_no,
    storedBodySha256: found.stored_body_sha256,
    isCurrent: found.is_current === true,
    lifecycleState: found.lifecycle_state,
    createdBy: found.created_by,
    createdByRun: found.created_by_run,
  };
}

const legBRow = z.strictObject({
  change_set_id: z.string(),
  source_document_id: z.string(),
  source_version_id: z.string(),
  run_id: z.string(),
  review_decision_id: z.string(),
  payload_sha: z.string(),
  from_digest: z.string(),
  to_digest: z.string(),
  unit_count: z.int(),
  recorded_by: z.string(),
  manifest: z.string().nullable(),
  manifest_sha256: z.string().nullable(),
  signatures: z.array(
    z.strictObject({
      signerRole: z.enum(["sovereign", "architect"]),
      keyFingerprint: z.string(),
      signatureSha256: z.string(),
      approvalKbId: z.string(),
    }),
  ),
});

/** A change set without its envelope has an empty manifest: then its effect is not the expected one, and that shows. */
export function toLegB(row: unknown, documentId: string): RecordedLegB | null {
  if (row === undefined) return null;
  const found = legBRow.parse(row);
  return {
    changeSetId: found.change_set_id,
    recordedBy: found.recorded_by,
    record: {
      runId: found.run_id,
      documentId,
      sourceDocumentId: found.source_document_id,
      sourceVersionId: found.source_version_id,
      reviewDecisionId: found.review_decision_id,
      payloadSha: found.payload_sha,
      fromDigest: found.from_digest,
      toDigest: found.to_digest,
      unitCount: found.unit_count,
      manifest: found.manifest ?? "",
      manifestSha256: found.manifest_sha256 ?? "",
      signatures: found.signatures,
    },
  };
}

const verifyRow = z.strictObject({
  change_set_id: z.string(),
  run_id: z.string(),
  verdict: z.enum(["pass", "fail"]),
  units_checked: z.int(),
  to_digest: z.string(),
  verified_by: z.string(),
});

export function toVerifyResult(row: unknown, documentId: string): (VerifyResultRow & { readonly verifiedBy: string }) | null {
  if (row === undefined) return null;
  const found = verifyRow.parse(row);
  return {
    changeSetId: found.change_set_id,
    runId: found.run_id,
    documentId,
    verdict: found.verdict,
    unitsChecked: found.units_checked,
    toDigest: found.to_digest,
    verifiedBy: found.verified_by,
  };
}

const enactedRow = z.strictObject({
  idempotency_key: z.string(),
  address: z.string(),
  from_state: z.string(),
  to_state: z.string(),
  review_decision_id: z.string().nullable(),
  actor: z.string(),
});

export function toEnacted(row: unknown): RecordedEnact {
  const found = enactedRow.parse(row);
  return {
    idempotencyKey: found.idempotency_key,
    address: found.address,
    fromState: found.from_state,
    toState: found.to_state,
    reviewDecisionId: found.review_decision_id,
    actor: found.actor,
  };
}
