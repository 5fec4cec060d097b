// The rows of a cut, as far as a live run sees them: the write side with its transactions, the recorders that read them, and faults at the COMMIT.
import { createHash } from "node:crypto";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { UnitEffect } from "../../../orchestrator/core/effect.ts";
import type { WritePermission } from "../../../orchestrator/ports/permission.ts";
import type { Claim, HeldDocument, RecordedEnact, RecordedLegB, RecordedUnit, Recorders } from "../../../orchestrator/ports/recorders.ts";
import type { CreateUnits, EnactUnits, LegBRecord, ReviewDecisionRow, VerifyResultRow, WriteDatabase } from "../../../orchestrator/ports/write-database.ts";

export interface StoredUnit extends UnitEffect {
  readonly runId: string;
  readonly unitId: string;
  readonly versionId: string;
  readonly body: string;
  lifecycleState: string;
}

interface Rows {
  decisions: ReviewDecisionRow[];
  units: StoredUnit[];
  legB: { readonly changeSetId: string; readonly record: LegBRecord }[];
  verified: VerifyResultRow[];
  enacted: (RecordedEnact & { readonly runId: string })[];
}

/** What happens to the next transactions, one after the other. `lost before`: COMMIT never arrived. `lost after`: it did, its answer did not. */
export type Fault = "none" | "refused" | "lost before" | "lost after";

/** One database that outlives the processes of a run. */
export class FakeCut {
  rows: Rows = { decisions: [], units: [], legB: [], verified: [], enacted: [] };
  readonly faults: Fault[] = [];
  readonly statusOf = new Map<string, "committed" | "aborted" | "in progress">();
  readonly commits: string[] = []; // steps, in the order they landed
  held: string | null = null; // the run that holds the document's session lock
  claims: Claim[] = []; // of other runs
  silentReads = 0; // so many recorder reads fail as an unreachable database
  lockLost = false;
  #next = 900;

  readonly recorders: Recorders = {
    readDecisions: (_documentId, sourceDocumentId, runId) => this.#read(() => this.rows.decisions.filter((row) => row.sourceDocumentId === sourceDocumentId && row.runId === runId)),
    readClaims: (_documentId, _source, exceptRunId) => this.#read(() => this.claims.filter(({ runId }) => runId !== exceptRunId)),
    readUnits: (_documentId, runId) => this.#read(() => this.rows.units.filter((unit) => unit.runId === runId).map(toRecorded)),
    readAddresses: (_documentId, addresses) => this.#read(() => this.rows.units.filter(({ address }) => addresses.includes(address)).map(({ address, runId }) => ({ address, createdByRun: runId }))),
    readBodies: (_documentId, runId, take) =>
      this.#read(() => {
        const units = this.rows.units.filter((unit) => unit.runId === runId);
        for (const { ordinal, body } of units) take(ordinal, Buffer.from(body, "utf8"));
        return units.length;
      }),
    readLegB: (_documentId, _source, runId) => this.#read((): RecordedLegB | null => this.rows.legB.map(({ changeSetId, record }) => ({ changeSetId, record, recordedBy: "directus_secdef" })).find(({ record }) => record.runId === runId) ?? null),
    readVerifyResult: (_documentId, changeSetId) => this.#read(() => this.rows.verified.map((row) => ({ ...row, verifiedBy: "cutter_verify" })).find((row) => row.changeSetId === changeSetId) ?? null),
    readEnacted: (_documentId, runId) => this.#read(() => this.rows.enacted.filter((row) => row.runId === runId)),
    readTransactionStatus: (id) => this.#read(() => this.statusOf.get(id) ?? "unknown"),
    holdDocument: async (documentId, runId): Promise<HeldDocument> => {
      if (this.held !== null) throw new CutterError("DOCUMENT_LOCKED", { document_id: documentId, held_by: this.held });
      this.held = runId;
      return {
        assertHeld: async () => {
          if (this.lockLost) throw new CutterError("DATABASE_UNREACHABLE", { problem: "the line that holds the document broke" });
        },
        release: async () => void (this.held = null),
      };
    },
  };

  readonly writeDatabase: WriteDatabase = {
    insertReviewDecision: (permission, _documentId, row) =>
      this.#write(permission, (rows) => {
        if (rows.decisions.some(({ id }) => id === row.id)) throw new CutterError("APPROVAL_UUID_SPENT", { review_decision_id: row.id });
        rows.decisions.push(row);
      }),
    createUnits: (permission, request) => this.#write(permission, (rows) => create(rows, request)),
    recordLegB: (permission, record) => this.#write(permission, (rows) => void rows.legB.push({ changeSetId: toUuid(`change set ${record.runId}`), record })),
    insertVerifyResult: (permission, row) => this.#write(permission, (rows) => void rows.verified.push(row)),
    enactUnits: (permission, request) => this.#write(permission, (rows) => enact(rows, request)),
    close: () => Promise.resolve(),
  };

  /** The tables of a cut as a census sees them. */
  tables(): ReadonlyMap<string, readonly string[]> {
    const { decisions, units, legB, verified, enacted } = this.rows;
    const text = (rows: readonly object[]): readonly string[] => rows.map((row) => JSON.stringify(row));
    return new Map([
      ["public.information_unit", text(units)],
      ["public.unit_version", text(units)],
      ["public.iu_lifecycle_log", text(enacted)],
      ["cutter_governance.review_decision", text(decisions)],
      ["cutter_governance.cut_change_set", text(legB)],
      ["cutter_governance.manifest_envelope", text(legB)],
      ["cutter_governance.dot_pair_signature", text(legB.flatMap(({ record }) => record.signatures))],
      ["cutter_governance.verify_result", text(verified)],
    ]);
  }

  /** As the revert leaves them. */
  retire(runId: string): void {
    for (const unit of this.rows.units) if (unit.runId === runId) unit.lifecycleState = "retired";
  }

  async #read<T>(answer: () => T): Promise<T> {
    if (this.silentReads > 0) {
      this.silentReads -= 1;
      throw new CutterError("DATABASE_UNREACHABLE", { problem: "planned silence" });
    }
    return answer();
  }

  async #write(permission: WritePermission, change: (rows: Rows) => void): Promise<void> {
    const fault = this.faults.shift() ?? "none";
    if (fault === "refused") throw new CutterError("DATABASE_QUERY_FAILED", { step: permission.step, sqlstate: "P0001" });
    const rows = structuredClone(this.rows);
    change(rows);
    const id = String(this.#next++);
    this.statusOf.set(id, "in progress");
    try {
      await permission.beforeCommit(id);
    } catch (error) {
      this.statusOf.set(id, "aborted");
      throw error;
    }
    if (fault === "lost before") {
      this.statusOf.set(id, "aborted");
      throw new CutterError("COMMIT_OUTCOME_UNKNOWN", { step: permission.step });
    }
    this.rows = rows;
    this.commits.push(permission.step);
    this.statusOf.set(id, "committed");
    if (fault === "lost after") throw new CutterError("COMMIT_OUTCOME_UNKNOWN", { step: permission.step });
  }
}

function create(rows: Rows, request: CreateUnits): void {
  for (const { body, ...unit } of request.units) {
    if (rows.units.some(({ address }) => address === unit.address)) throw new CutterError("DATABASE_QUERY_FAILED", { constraint: "information_unit_canonical_address_key" });
    rows.units.push({ ...unit, body, runId: request.runId, unitId: toUuid(`unit ${unit.address}`), versionId: toUuid(`version ${unit.address}`), lifecycleState: "draft" });
  }
}

function enact(rows: Rows, request: EnactUnits): void {
  for (const { idempotencyKey, address, toState, reviewDecisionId } of request.units) {
    const unit = rows.units.find((candidate) => candidate.address === address);
    if (unit === undefined) throw new CutterError("DATABASE_QUERY_FAILED", { address });
    rows.enacted.push({ runId: request.runId, idempotencyKey, address, fromState: unit.lifecycleState, toState, reviewDecisionId, actor: "cutter_exec" });
    unit.lifecycleState = toState;
  }
}

function toRecorded({ body, runId, ...unit }: StoredUnit): RecordedUnit {
  return { ...unit, versionNo: 1, storedBodySha256: createHash("sha256").update(body).digest("hex"), isCurrent: true, createdBy: "cutter_exec", createdByRun: runId };
}

function toUuid(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
