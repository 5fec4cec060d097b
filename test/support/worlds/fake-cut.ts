// The rows of a cut, as far as a live run sees them: the write side with its transactions, the recorders that read them, and faults at the
// COMMIT. It keeps test/orchestrator/adapters/postgres/contract-writes.ts, as the real adapters do.
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { DocumentDigest } from "../../../orchestrator/ports/database.ts";
import type { WritePermission } from "../../../orchestrator/ports/permission.ts";
import type { DocumentClaim, SessionLock, RecordedUnit, Recorders } from "../../../orchestrator/ports/recorders.ts";
import type { CreateUnits, WriteDatabase } from "../../../orchestrator/ports/write-database.ts";
import {
  createUnits,
  enactUnits,
  insertDecision,
  insertVerifyResult,
  recordLegB,
  sha256,
  toRegistered,
  type Registry,
  type Rows,
  type StoredUnit,
} from "./fake-cut-rules.ts";

export type { StoredUnit } from "./fake-cut-rules.ts";

/**
 * What happens to the next transactions, one after the other. `lost before`: COMMIT never arrived. `lost after`: it did, its answer did
 * not.
 */
export type Fault = "none" | "refused" | "lost before" | "lost after";

/** One database that outlives the processes of a run; `joinFakes` gives it the registry and the digest of the database around it. */
export class FakeCut {
  rows: Rows = { decisions: [], units: [], legB: [], verified: [], enacted: [] };
  readonly faults: Fault[] = [];
  readonly statusOf = new Map<string, "committed" | "aborted" | "in progress">();
  readonly commits: string[] = []; // steps, in the order they landed
  claims: DocumentClaim[] = []; // of other runs, besides those in the rows
  silentReads = 0; // so many recorder reads fail as an unreachable database
  lockLost = false;
  registry: Registry = new Map();
  readDigest: (documentId: string, plannedAddresses: readonly string[]) => Promise<DocumentDigest> = () =>
    Promise.reject(new Error("no database around these rows"));
  readonly #holders = new Map<string, { readonly runId: string }>(); // by document
  readonly #writers = new Map<string, Promise<unknown>>(); // by document: the last in its queue
  #next = 900;

  /** The run that holds a document's session lock. */
  get held(): string | null {
    return this.#holders.values().next().value?.runId ?? null;
  }

  readonly recorders: Recorders = {
    readDecisions: (documentId, sourceDocumentId, runId) =>
      this.#read(documentId, () => this.rows.decisions.filter((row) => row.sourceDocumentId === sourceDocumentId && row.runId === runId)),
    readClaims: (documentId, sourceDocumentId, exceptRunId) =>
      this.#read(documentId, () => [...this.claims, ...this.#claims(sourceDocumentId)].filter(({ runId }) => runId !== exceptRunId)),
    readUnits: (documentId, runId) => this.#read(documentId, () => this.#units(documentId, runId).map(toRecorded)),
    readAddresses: (documentId, addresses) =>
      this.#read(documentId, () =>
        this.rows.units
          .filter(({ address }) => addresses.includes(address))
          .map(({ address, runId }) => ({ address, createdByRun: runId }))
          .toSorted((a, b) => (a.address < b.address ? -1 : 1)),
      ),
    readBodies: (documentId, runId, take) =>
      this.#read(documentId, () => {
        const units = this.#units(documentId, runId);
        for (const { ordinal, body } of units) take(ordinal, Buffer.from(body, "utf8"));
        return units.length;
      }),
    readLegB: (documentId, sourceDocumentId, runId) =>
      this.#read(documentId, () => {
        const found = this.rows.legB.find(({ record }) => record.sourceDocumentId === sourceDocumentId && record.runId === runId);
        return found === undefined
          ? null
          : { changeSetId: found.changeSetId, record: { ...found.record, documentId }, recordedBy: "directus_secdef" };
      }),
    readVerifyResult: (documentId, changeSetId, runId) =>
      this.#read(documentId, () => {
        const found = this.rows.verified.find((row) => row.changeSetId === changeSetId && row.runId === runId);
        return found === undefined ? null : { ...found, documentId, verifiedBy: "cutter_verify" };
      }),
    readEnacted: (documentId, runId) =>
      this.#read(documentId, () => {
        const ordinals = new Map(
          this.rows.units.filter((unit) => this.#isOf(unit, documentId)).map(({ address, ordinal }) => [address, ordinal]),
        );
        const found = this.rows.enacted.filter((row) => row.runId === runId && row.toState === "enacted" && ordinals.has(row.address));
        return found
          .toSorted((a, b) => (ordinals.get(a.address) ?? 0) - (ordinals.get(b.address) ?? 0))
          .map(({ runId: _run, ...row }) => row);
      }),
    readTransactionStatus: (id) => this.#read(null, () => this.statusOf.get(id) ?? "unknown"),
    lockDocument: (documentId, runId) => this.#hold(documentId, runId),
  };

  readonly writeDatabase: WriteDatabase = {
    insertReviewDecision: (permission, documentId, row) =>
      this.#write(permission, documentId, (rows) => insertDecision(rows, this.registry, row)),
    createUnits: (permission, request) =>
      this.#write(permission, request.documentId, (rows) => createUnits(rows, this.registry, request), request),
    recordLegB: (permission, record) => this.#write(permission, record.documentId, (rows) => recordLegB(rows, record)),
    insertVerifyResult: (permission, row) => this.#write(permission, row.documentId, (rows) => insertVerifyResult(rows, row)),
    enactUnits: (permission, request) => this.#write(permission, request.documentId, (rows) => enactUnits(rows, this.registry, request)),
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

  /** The line of the session that holds a document ends. `lockLost` says the same of every document until it is taken back. */
  breakLock(documentId: string): void {
    this.#holders.delete(documentId);
  }

  /** As the revert leaves them. */
  retire(runId: string): void {
    for (const unit of this.rows.units) if (unit.runId === runId) unit.lifecycleState = "retired";
  }

  #isOf(unit: StoredUnit, documentId: string): boolean {
    return this.registry.get(documentId)?.docCode === unit.docCode;
  }

  #units(documentId: string, runId: string): readonly StoredUnit[] {
    return this.rows.units.filter((unit) => unit.runId === runId && this.#isOf(unit, documentId)).toSorted((a, b) => a.ordinal - b.ordinal);
  }

  #claims(sourceDocumentId: string): readonly DocumentClaim[] {
    const decisions = this.rows.decisions.filter((row) => row.sourceDocumentId === sourceDocumentId);
    return decisions
      .filter(({ gate }) => gate === "SG_1")
      .map(({ runId, id }) => {
        const units = this.rows.units.filter(
          (unit) => unit.runId === runId && unit.docCode === toRegistered(this.registry, sourceDocumentId)?.docCode,
        );
        const count = (state: string): number => units.filter(({ lifecycleState }) => lifecycleState === state).length;
        return {
          runId,
          reviewDecisionId: id,
          unitsCreated: units.length,
          unitsEnacted: count("enacted"),
          unitsRetired: count("retired"),
          voided: decisions.some((row) => row.runId === runId && row.gate === "SG_3"),
        };
      });
  }

  async #hold(documentId: string, runId: string): Promise<SessionLock> {
    const other = this.#holders.get(documentId);
    if (other !== undefined)
      throw new CutterError("DOCUMENT_CLAIMED", { document_id: documentId, holder: `cutter ${other.runId}@unknown` });
    const mine = { runId };
    this.#holders.set(documentId, mine);
    const isMine = (): boolean => this.#holders.get(documentId) === mine;
    return {
      assertHeld: async () => {
        if (this.lockLost || !isMine()) throw new CutterError("DOCUMENT_LOCK_LOST", { document_id: documentId, run_id: runId });
      },
      release: async () => void (isMine() && this.#holders.delete(documentId)),
    };
  }

  /** After the document's writers, as the real ones: what they leave is seen, whole. */
  async #read<T>(documentId: string | null, answer: () => T): Promise<T> {
    if (this.silentReads > 0) {
      this.silentReads -= 1;
      throw new CutterError("DATABASE_UNREACHABLE", { problem: "planned silence" });
    }
    await this.#writers.get(documentId ?? "");
    return answer();
  }

  /** One writer of a document after the other. */
  #write(permission: WritePermission, documentId: string, change: (rows: Rows) => void, moves: CreateUnits | null = null): Promise<void> {
    const mine = (this.#writers.get(documentId) ?? Promise.resolve()).then(() => this.#transact(permission, change, moves));
    this.#writers.set(
      documentId,
      mine.catch(() => undefined),
    );
    return mine;
  }

  async #transact(permission: WritePermission, change: (rows: Rows) => void, moves: CreateUnits | null): Promise<void> {
    const fault = this.faults.shift() ?? "none";
    if (fault === "refused") throw new CutterError("DATABASE_QUERY_FAILED", { step: permission.step, sqlstate: "P0001" });
    await this.#compareDigest(moves, "before the first unit");
    change(structuredClone(this.rows));
    await this.#compareDigest(moves, "before COMMIT");
    const id = String(this.#next++);
    this.statusOf.set(id, "in progress");
    try {
      await permission.beforeCommit(id);
      if (fault === "lost before") throw new CutterError("COMMIT_OUTCOME_UNKNOWN", { step: permission.step });
      const rows = structuredClone(this.rows); // as they are by now: writers of other documents do not wait for this one
      change(rows);
      this.rows = rows;
    } catch (error) {
      this.statusOf.set(id, "aborted");
      throw error;
    }
    this.commits.push(permission.step);
    this.statusOf.set(id, "committed");
    if (fault === "lost after") throw new CutterError("COMMIT_OUTCOME_UNKNOWN", { step: permission.step });
  }

  async #compareDigest(moves: CreateUnits | null, when: string): Promise<void> {
    if (moves === null) return;
    const found = await this.readDigest(moves.documentId, moves.plannedAddresses);
    if (found.sha256 !== moves.fromDigest)
      throw new CutterError("ROWS_MOVED", { from_digest: moves.fromDigest, found: found.sha256, when });
  }
}

function toRecorded({ body, runId, ...unit }: StoredUnit): RecordedUnit {
  return { ...unit, versionNo: 1, storedBodySha256: sha256(body), isCurrent: true, createdBy: "cutter_exec", createdByRun: runId };
}
