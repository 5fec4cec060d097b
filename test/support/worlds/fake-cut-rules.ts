// What the tables and functions of a cut refuse, on rows in memory: the keys, checks and references of sql/substrate that a run can meet.
import { createHash } from "node:crypto";
import type { UnitEffect } from "../../../orchestrator/core/journal/effect.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { RegistryRows } from "../../../orchestrator/ports/database.ts";
import type { RecordedEnact } from "../../../orchestrator/ports/recorders.ts";
import type {
  CreateUnits,
  EnactUnits,
  LegBRecord,
  ReviewDecisionRow,
  VerifyResultRow,
} from "../../../orchestrator/ports/write-database.ts";

export interface StoredUnit extends UnitEffect {
  readonly runId: string;
  readonly unitId: string;
  readonly versionId: string;
  readonly body: string;
  lifecycleState: string;
}

export interface Rows {
  decisions: ReviewDecisionRow[];
  units: StoredUnit[];
  legB: { readonly changeSetId: string; readonly record: LegBRecord }[];
  verified: VerifyResultRow[];
  enacted: (RecordedEnact & { readonly runId: string })[];
}

export type Registry = ReadonlyMap<string, RegistryRows>;

/** Each changes `rows` as its step does, or throws and is to be rolled back. @throws EFFECT_REFUSED, APPROVAL_UUID_REUSED */
export function insertDecision(rows: Rows, registry: Registry, row: ReviewDecisionRow): void {
  const { id, sourceDocumentId, phase, gate, runId, decision } = row;
  if (rows.decisions.some((other) => other.id === id))
    throw new CutterError("APPROVAL_UUID_REUSED", { reason: "spent", gate, review_decision_id: id });
  holds(
    gate,
    "review_decision",
    "23514",
    (gate === "SG_1") === (phase === "cut_leg_a") &&
      (gate === "SG_3") === (phase === "void") &&
      (gate === "SG_3") === (decision === "void"),
  );
  holds(
    gate,
    "review_decision",
    "23505",
    !rows.decisions.some((other) => other.sourceDocumentId === sourceDocumentId && other.phase === phase && other.runId === runId),
  );
  holds(gate, "review_decision", "23503", toRegistered(registry, sourceDocumentId) !== undefined);
  rows.decisions.push(row);
}

export function createUnits(rows: Rows, registry: Registry, { runId, reviewDecisionId, units }: CreateUnits): void {
  for (const { body, ...unit } of units) {
    const refuse = toRefuse("cut_leg_a", unit.address);
    const recorded = rows.units.find(({ idempotencyKey }) => idempotencyKey === unit.idempotencyKey);
    const decision = rows.decisions.find(
      ({ id, runId: ofRun, phase }) => id === reviewDecisionId && ofRun === runId && phase === "cut_leg_a",
    );
    const registered = toRegistered(registry, decision?.sourceDocumentId);
    if (sha256(body) !== unit.bodySha256 || Buffer.byteLength(body) !== unit.byteEnd - unit.byteStart) refuse("body_mismatch");
    if (recorded !== undefined)
      refuse(
        recorded.address === unit.address && recorded.bodySha256 === unit.bodySha256 && recorded.runId === runId
          ? "duplicate"
          : "idempotency_conflict",
      );
    if (registered === undefined || registered.docCode !== unit.docCode || registered.sourceVersionId !== unit.sourceVersionId)
      refuse("review_decision_unknown");
    if (unit.parent !== null && !rows.units.some(({ address }) => address === unit.parent)) refuse("parent_unknown");
    if (rows.units.some(({ address }) => address === unit.address)) refuse("address_taken");
    rows.units.push({
      ...unit,
      body,
      runId,
      unitId: toUuid(`unit ${unit.address}`),
      versionId: toUuid(`version ${unit.address}`),
      lifecycleState: "draft",
    });
  }
}

export function recordLegB(rows: Rows, record: LegBRecord): void {
  const { sourceDocumentId, runId, reviewDecisionId, signatures } = record;
  const requires = (table: string, sqlState: string, condition: boolean): void => holds("leg_b_record", table, sqlState, condition);
  requires(
    "cut_change_set",
    "23505",
    !rows.legB.some(
      ({ record: other }) =>
        other.reviewDecisionId === reviewDecisionId || (other.sourceDocumentId === sourceDocumentId && other.runId === runId),
    ),
  );
  requires(
    "cut_change_set",
    "23503",
    rows.decisions.some(({ id }) => id === reviewDecisionId),
  );
  requires("manifest_envelope", "23514", sha256(record.manifest) === record.manifestSha256);
  requires("dot_pair_signature", "23505", new Set(signatures.map(toSignatureKey)).size === signatures.length);
  const inOrder = signatures.toSorted((a, b) => (toSignatureKey(a) < toSignatureKey(b) ? -1 : 1));
  rows.legB.push({ changeSetId: toUuid(`change set ${sourceDocumentId} ${runId}`), record: { ...record, signatures: inOrder } });
}

export function insertVerifyResult(rows: Rows, row: VerifyResultRow): void {
  const changeSet = rows.legB.find(({ changeSetId }) => changeSetId === row.changeSetId)?.record;
  const requires = (sqlState: string, condition: boolean): void => holds("write_verify", "verify_result", sqlState, condition);
  requires("23503", changeSet !== undefined);
  requires("23514", changeSet?.runId === row.runId && (row.verdict !== "pass" || changeSet.toDigest === row.toDigest));
  requires("23505", !rows.verified.some(({ changeSetId, runId }) => changeSetId === row.changeSetId && runId === row.runId));
  rows.verified.push(row);
}

export function enactUnits(rows: Rows, registry: Registry, { runId, units }: EnactUnits): void {
  for (const { idempotencyKey, address, toState, reviewDecisionId, expectedVersionId } of units) {
    const refuse = toRefuse("lifecycle_enact", address);
    const recorded = rows.enacted.find((row) => row.idempotencyKey === idempotencyKey);
    if (recorded !== undefined)
      refuse(
        recorded.address === address && recorded.toState === toState && recorded.runId === runId ? "duplicate" : "idempotency_conflict",
      );
    const unit = rows.units.find((candidate) => candidate.address === address) ?? refuse("unit_unknown");
    const decision = rows.decisions.find(
      ({ id, runId: ofRun, phase }) => id === reviewDecisionId && ofRun === runId && phase === "lifecycle_enact",
    );
    if (unit.versionId !== expectedVersionId) refuse("version_moved");
    if (toRegistered(registry, decision?.sourceDocumentId)?.docCode !== unit.docCode) refuse("review_decision_unknown");
    if (
      !(unit.lifecycleState === "draft" && ["review", "enacted"].includes(toState)) &&
      !(unit.lifecycleState === "review" && toState === "enacted")
    )
      refuse("transition_illegal");
    rows.enacted.push({ runId, idempotencyKey, address, fromState: unit.lifecycleState, toState, reviewDecisionId, actor: "cutter_exec" });
    unit.lifecycleState = toState;
  }
}

export function toRegistered(registry: Registry, sourceDocumentId: string | undefined): RegistryRows | undefined {
  return [...registry.values()].find((row) => row.sourceDocumentId === sourceDocumentId);
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function toRefuse(step: string, address: string): (reason: string) => never {
  return (reason) => {
    throw new CutterError("EFFECT_REFUSED", { step, address, reason });
  };
}

function holds(step: string, table: string, sqlState: string, condition: boolean): void {
  if (!condition) throw new CutterError("EFFECT_REFUSED", { step, reason: "a constraint of the table", sqlstate: sqlState, table });
}

function toSignatureKey({ signerRole, approvalKbId }: LegBRecord["signatures"][number]): string {
  return `${signerRole} ${approvalKbId}`;
}

function toUuid(name: string): string {
  const hex = sha256(name);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
