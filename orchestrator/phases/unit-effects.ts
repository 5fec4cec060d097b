// The units of a cut as effects: what leg A leaves, from the plan and from the database, in one form. Pure.
import type { EnactEffect, UnitEffect } from "../core/journal/effect.ts";
import type { RecordedUnit } from "../ports/recorders.ts";
import type { CreateCall } from "./schemas.ts";

/** What each call of fn_iu_create leaves. */
export function toPlannedEffects(calls: readonly Omit<CreateCall, "review_decision_id">[]): readonly UnitEffect[] {
  return calls.map((call) => ({
    idempotencyKey: call.idempotency_key,
    address: call.canonical_address,
    docCode: call.doc_code,
    parent: call.parent_address,
    kind: call.unit_kind,
    ordinal: call.ordinal,
    headingPath: call.heading_path,
    byteStart: call.byte_start,
    byteEnd: call.byte_end,
    bodySha256: call.body_sha256,
    sourceVersionId: call.source_version_id,
  }));
}

/** What stands there; the digest is of the stored bytes. */
export function toStoredEffects(units: readonly RecordedUnit[]): readonly UnitEffect[] {
  return units.map((unit) => ({
    idempotencyKey: unit.idempotencyKey,
    address: unit.address,
    docCode: unit.docCode,
    parent: unit.parent,
    kind: unit.kind,
    ordinal: unit.ordinal,
    headingPath: unit.headingPath,
    byteStart: unit.byteStart,
    byteEnd: unit.byteEnd,
    bodySha256: unit.storedBodySha256,
    sourceVersionId: unit.sourceVersionId,
  }));
}

/** What each call of fn_iu_enact leaves, under one decision. */
export function toPlannedEnactment(
  calls: readonly Pick<CreateCall, "idempotency_key" | "canonical_address">[],
  reviewDecisionId: string,
): readonly EnactEffect[] {
  return calls.map((call) => ({
    idempotencyKey: call.idempotency_key,
    address: call.canonical_address,
    toState: "enacted",
    reviewDecisionId,
  }));
}
