// What stands behind the ports WriteDatabase and Recorders must do together; run against PostgreSQL, and against the fake that engine tests
// use.
import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { ProductionDatabase } from "../../../../orchestrator/ports/database.ts";
import type { CreateUnits, EnactUnits, LegBRecord, WriteDatabase } from "../../../../orchestrator/ports/write-database.ts";
import type { CutDocument } from "../../../support/database/cut-by-sql.ts";
import { sourceText, toCutSteps, type CutPorts, type CutSteps } from "../../../support/cut-steps.ts";
import { makePermission } from "../../../support/write-permission.ts";

export interface CutSetting extends CutPorts {
  readonly database: ProductionDatabase;
  /** A second reader of the same rows, whose evidence nobody else writes. */
  openDatabase(): ProductionDatabase;
  /** The next COMMIT is lost on its way (`before`), or its answer is (`after`); `breakLine` is to be called right before it. */
  losing(when: "before" | "after", write: (writer: WriteDatabase, breakLine: () => Promise<void>) => Promise<void>): Promise<void>;
  /** Ends the line of the session that holds the document's lock. */
  breakLock(document: CutDocument): Promise<void>;
}

export function itKeepsTheWriteContract(toSetting: () => CutSetting): void {
  let setting: CutSetting;
  let steps: CutSteps;
  let recorders: CutSetting["recorders"];
  let writer: WriteDatabase;
  beforeAll(() => {
    setting = toSetting();
    ({ recorders, writeDatabase: writer } = setting);
    steps = toCutSteps(setting);
  });
  const decisionsOf = ({ documentId, sourceDocumentId }: CutDocument, runId: string) =>
    recorders.readDecisions(documentId, sourceDocumentId, runId);
  const unitsOf = ({ documentId, runId }: CutDocument) => recorders.readUnits(documentId, runId);
  const legBOf = ({ documentId, sourceDocumentId, runId }: CutDocument) => recorders.readLegB(documentId, sourceDocumentId, runId);
  const insert = (document: CutDocument, change: Parameters<CutSteps["toDecision"]>[1] = {}) => {
    const row = steps.toDecision(document, change);
    return writer.insertReviewDecision(makePermission(row.runId, row.gate).permission, document.documentId, row);
  };
  const create = (request: CreateUnits) => writer.createUnits(makePermission(request.runId, "cut_leg_a").permission, request);
  const refresh = async (document: CutDocument, request: CreateUnits): Promise<CreateUnits> => ({
    ...(await steps.toCreate(document, request.reviewDecisionId)),
    units: request.units,
  });

  describe("a decision", () => {
    it("is written once and read back by its document and its run alone", async () => {
      const document = await setting.register();
      const row = steps.toDecision(document);
      await insert(document, row);
      expect(await decisionsOf(document, document.runId)).toEqual([row]);
      expect(await decisionsOf(document, "another-run")).toEqual([]);
      expect(await decisionsOf(await setting.register(), document.runId)).toEqual([]);
    });

    it("spends its UUID for every document and run, and stands once for a document, phase and run", async () => {
      const [document, other] = [await setting.register(), await setting.register()];
      const id = await steps.decide(document);
      await expect(insert(document, { id })).rejects.toMatchObject({
        code: "APPROVAL_UUID_REUSED",
        facts: { reason: "spent", review_decision_id: id },
      });
      await expect(insert(other, { id })).rejects.toMatchObject({ code: "APPROVAL_UUID_REUSED", facts: { reason: "spent" } });
      await expect(insert(document)).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23505" } });
      expect((await decisionsOf(document, document.runId)).map((row) => row.id)).toEqual([id]);
      expect(await decisionsOf(other, other.runId)).toEqual([]);
    });

    it("of no registered document, or of a gate and a phase that do not belong together, is refused", async () => {
      const document = await setting.register();
      await expect(insert(document, { sourceDocumentId: randomUUID() })).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { sqlstate: "23503" },
      });
      await expect(insert(document, { phase: "lifecycle_enact" })).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { sqlstate: "23514" },
      });
      await expect(insert(document, { phase: "void", gate: "SG_3" })).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { sqlstate: "23514" },
      });
      expect(await decisionsOf(document, document.runId)).toEqual([]);
    });

    it("asked for twice at once lands once", async () => {
      const document = await setting.register();
      const row = steps.toDecision(document);
      const ends = await Promise.allSettled([insert(document, row), insert(document, row)]);
      expect(ends.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
      expect(ends.find((end) => end.status === "rejected")).toMatchObject({
        reason: { code: "APPROVAL_UUID_REUSED", facts: { reason: "spent" } },
      });
      expect(await decisionsOf(document, document.runId)).toEqual([row]);
    });

    it("of SG_1 is its run's claim, seen by every other run, with how far that run came", async () => {
      const { document, request } = await steps.prepareEnact();
      const claims = () => recorders.readClaims(document.documentId, document.sourceDocumentId, "another-run");
      const [first] = await decisionsOf(document, document.runId);
      const claim = {
        runId: document.runId,
        reviewDecisionId: first?.id,
        unitsCreated: 3,
        unitsEnacted: 0,
        unitsRetired: 0,
        voided: false,
      };
      expect(await claims()).toEqual([claim]);
      expect(await recorders.readClaims(document.documentId, document.sourceDocumentId, document.runId)).toEqual([]);
      await writer.enactUnits(makePermission(document.runId, "lifecycle_enact").permission, request);
      await insert(document, { phase: "void", gate: "SG_3", decision: "void" });
      expect(await claims()).toEqual([{ ...claim, unitsEnacted: 3, voided: true }]);
      const other = await setting.register();
      expect(await recorders.readClaims(other.documentId, other.sourceDocumentId, "another-run")).toEqual([]);
    });
  });

  describe("leg A", () => {
    it("leaves every unit of the request, read back by document and run in the order of ordinals, bytes and addresses too", async () => {
      const { document, request } = await steps.prepareCreate();
      await create(request);
      const units = await unitsOf(document);
      expect(units).toEqual(
        request.units.map(({ body: _body, ...unit }, at) => ({
          ...unit,
          unitId: units[at]?.unitId,
          versionId: units[at]?.versionId,
          versionNo: 1,
          storedBodySha256: unit.bodySha256,
          isCurrent: true,
          lifecycleState: "draft",
          createdBy: "cutter_exec",
          createdByRun: document.runId,
        })),
      );
      expect(new Set(units.flatMap(({ unitId, versionId }) => [unitId, versionId])).size).toBe(6);
      const bodies: [number, string][] = [];
      expect(
        await recorders.readBodies(document.documentId, document.runId, (ordinal, body) =>
          bodies.push([ordinal, Buffer.from(body).toString("utf8")]),
        ),
      ).toBe(3);
      expect(bodies).toEqual(request.units.map(({ ordinal, body }) => [ordinal, body]));
      expect(bodies.map(([, body]) => body).join("")).toBe(sourceText);
      expect(await recorders.readAddresses(document.documentId, [...document.addresses, "nowhere/at-all"])).toEqual(
        document.addresses.toSorted().map((address) => ({ address, createdByRun: document.runId })),
      );
    });

    it("is not seen under another run or another document", async () => {
      const { document, request } = await steps.prepareCreate();
      await create(request);
      const other = await setting.register();
      expect(await recorders.readUnits(document.documentId, "another-run")).toEqual([]);
      expect(await recorders.readUnits(other.documentId, document.runId)).toEqual([]);
      expect(await recorders.readBodies(other.documentId, document.runId, () => undefined)).toBe(0);
      expect(await recorders.readAddresses(other.documentId, other.addresses)).toEqual([]);
    });

    it("a second time is told that rows moved, and with their new digest that it is a duplicate", async () => {
      const { document, request } = await steps.prepareCreate();
      await create(request);
      await expect(create(request)).rejects.toMatchObject({ code: "ROWS_MOVED", facts: { when: "before the first unit" } });
      await expect(create(await refresh(document, request))).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { reason: "duplicate", address: document.addresses[0] },
      });
      expect(await unitsOf(document)).toHaveLength(3);
    });

    const last = (request: CreateUnits, change: Partial<CreateUnits["units"][number]>): CreateUnits => ({
      ...request,
      units: request.units.map((unit, at) => (at === 2 ? { ...unit, ...change } : unit)),
    });
    it.each<[string, (request: CreateUnits) => CreateUnits]>([
      ["body_mismatch", (request) => last(request, { body: "other" })],
      ["idempotency_conflict", (request) => last(request, { idempotencyKey: request.units[0]?.idempotencyKey ?? "" })],
      ["review_decision_unknown", (request) => ({ ...request, reviewDecisionId: randomUUID() })],
      ["review_decision_unknown", (request) => last(request, { sourceVersionId: randomUUID() })],
      ["review_decision_unknown", (request) => last(request, { docCode: "another-document" })],
      ["parent_unknown", (request) => last(request, { parent: "nowhere/at-all" })],
      ["address_taken", (request) => last(request, { address: request.units[1]?.address ?? "" })],
    ])("refused for %s leaves none of its units", async (reason, change) => {
      const { document, request } = await steps.prepareCreate();
      await expect(create(change(request))).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { step: "cut_leg_a", reason } });
      expect(await unitsOf(document)).toEqual([]);
      expect(await recorders.readAddresses(document.documentId, document.addresses)).toEqual([]);
    });
  });

  describe("leg B", () => {
    const record = (request: LegBRecord) => writer.recordLegB(makePermission(request.runId, "leg_b_record").permission, request);

    it("stands once, as a whole, and is read back by document and run alone", async () => {
      const { document, record: request } = await steps.prepareLegB();
      const [sovereign] = request.signatures;
      if (sovereign === undefined) throw new Error("no signature");
      await expect(record({ ...request, manifest: "[1]" })).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { sqlstate: "23514", table: "manifest_envelope" },
      });
      await expect(record({ ...request, signatures: [sovereign, sovereign] })).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { sqlstate: "23505", table: "dot_pair_signature" },
      });
      await expect(record({ ...request, reviewDecisionId: randomUUID() })).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { sqlstate: "23503" },
      });
      expect(await legBOf(document)).toBeNull();
      const architect = { ...sovereign, signerRole: "architect" as const };
      await record({ ...request, signatures: [sovereign, architect] });
      expect(await legBOf(document)).toEqual({
        changeSetId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        recordedBy: "directus_secdef",
        record: { ...request, signatures: [architect, sovereign] },
      });
      await expect(record(request)).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23505" } });
      await expect(record({ ...request, runId: "another-run" })).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { sqlstate: "23505" },
      }); // one change set for a decision
      expect(await legBOf({ ...document, runId: "another-run" })).toBeNull();
      expect(await recorders.readLegB(document.documentId, (await setting.register()).sourceDocumentId, document.runId)).toBeNull();
    });

    it("is verified once, in agreement with its change set, and the verification is read back by change set and run alone", async () => {
      const { document, record: request } = await steps.prepareLegB();
      await record(request);
      const changeSetId = (await legBOf(document))?.changeSetId ?? "";
      const row = {
        changeSetId,
        runId: document.runId,
        documentId: document.documentId,
        verdict: "pass" as const,
        unitsChecked: 3,
        toDigest: request.toDigest,
      };
      const verify = (change: Partial<typeof row> = {}) =>
        writer.insertVerifyResult(makePermission(document.runId, "write_verify").permission, { ...row, ...change });
      const verified = (id: string, runId: string) => recorders.readVerifyResult(document.documentId, id, runId);
      await expect(verify({ changeSetId: randomUUID() })).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23503" } });
      await expect(verify({ runId: "another-run" })).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23514" } });
      await expect(verify({ toDigest: "0".repeat(64) })).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23514" } });
      expect(await verified(changeSetId, document.runId)).toBeNull();
      await verify();
      await expect(verify()).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23505" } });
      expect(await verified(changeSetId, document.runId)).toEqual({ ...row, verifiedBy: "cutter_verify" });
      expect(await verified(changeSetId, "another-run")).toBeNull();
      expect(await verified(randomUUID(), document.runId)).toBeNull();
    });
  });

  describe("the lifecycle", () => {
    const enact = (request: EnactUnits) => writer.enactUnits(makePermission(request.runId, "lifecycle_enact").permission, request);

    it("moves every unit of the request once, read back by document and run in the order of ordinals", async () => {
      const { document, request } = await steps.prepareEnact();
      await enact({ ...request, units: request.units.toReversed() });
      const enacted = await recorders.readEnacted(document.documentId, document.runId);
      expect(enacted).toEqual(
        request.units.map(({ expectedVersionId: _version, ...unit }) => ({ ...unit, fromState: "draft", actor: "cutter_exec" })),
      );
      expect((await unitsOf(document)).map(({ lifecycleState }) => lifecycleState)).toEqual(["enacted", "enacted", "enacted"]);
      await expect(enact(request)).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { reason: "duplicate", address: document.addresses[0] },
      });
      expect(await recorders.readEnacted(document.documentId, document.runId)).toEqual(enacted);
      expect(await recorders.readEnacted(document.documentId, "another-run")).toEqual([]);
      expect(await recorders.readEnacted((await setting.register()).documentId, document.runId)).toEqual([]);
    });

    const last = (request: EnactUnits, change: Partial<EnactUnits["units"][number]>): EnactUnits => ({
      ...request,
      units: request.units.map((unit, at) => (at === 2 ? { ...unit, ...change } : unit)),
    });
    it.each<[string, (request: EnactUnits) => EnactUnits]>([
      ["unit_unknown", (request) => last(request, { address: "nowhere/at-all" })],
      ["version_moved", (request) => last(request, { expectedVersionId: randomUUID() })],
      ["review_decision_unknown", (request) => last(request, { reviewDecisionId: randomUUID() })],
      ["transition_illegal", (request) => last(request, { toState: "retired" })],
      ["idempotency_conflict", (request) => last(request, { idempotencyKey: request.units[0]?.idempotencyKey ?? "" })],
    ])("refused for %s moves none of them", async (reason, change) => {
      const { document, request } = await steps.prepareEnact();
      await expect(enact(change(request))).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { step: "lifecycle_enact", reason } });
      expect(await recorders.readEnacted(document.documentId, document.runId)).toEqual([]);
      expect((await unitsOf(document)).map(({ lifecycleState }) => lifecycleState)).toEqual(["draft", "draft", "draft"]);
    });
  });

  describe("a transaction", () => {
    it("asks for its permission once, with an id that is in progress then and committed afterwards", async () => {
      const { document, request } = await steps.prepareCreate();
      const seen: string[] = [];
      const { permission, transactionIds } = makePermission(
        document.runId,
        "cut_leg_a",
        async (id) => void seen.push(await recorders.readTransactionStatus(id)),
      );
      await writer.createUnits(permission, request);
      expect([transactionIds.length, seen]).toEqual([1, ["in progress"]]);
      expect(await recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("committed");
      expect(await recorders.readTransactionStatus("999999999")).toBe("unknown");
    });

    it("whose permission is withdrawn leaves nothing, is aborted, and says why in the words of who withdrew it", async () => {
      const { document, request } = await steps.prepareCreate();
      const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", () => Promise.reject(new Error("switched off")));
      await expect(writer.createUnits(permission, request)).rejects.toThrow("switched off");
      expect(await unitsOf(document)).toEqual([]);
      expect(await recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("aborted");
      await create(request);
      expect(await unitsOf(document)).toHaveLength(3);
    });

    it("that is refused never asks for its permission", async () => {
      const { document, request } = await steps.prepareCreate();
      const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a");
      await expect(writer.createUnits(permission, { ...request, fromDigest: "0".repeat(64) })).rejects.toMatchObject({
        code: "ROWS_MOVED",
      });
      expect(transactionIds).toEqual([]);
    });

    it("is waited for by a recorder, which then sees all of it", async () => {
      const { document, request } = await steps.prepareCreate();
      let reading = unitsOf(document);
      expect(await reading).toEqual([]);
      const { permission } = makePermission(document.runId, "cut_leg_a", () => Promise.resolve(void (reading = unitsOf(document))));
      await writer.createUnits(permission, request);
      expect(await reading).toHaveLength(3);
    });

    it("is waited for by the document's next writer and not by another document's", async () => {
      const [{ document, request }, other] = [await steps.prepareCreate(), await setting.register()];
      const rival = { ...document, runId: `${document.runId}-b` };
      const second = await steps.toCreate(rival, await steps.decide(rival));
      let waiting: Promise<unknown> = Promise.resolve();
      const { permission } = makePermission(document.runId, "cut_leg_a", async () => {
        waiting = create(second).catch((error: unknown) => error);
        await steps.decide(other);
      });
      await writer.createUnits(permission, await refresh(document, request));
      expect(await waiting).toMatchObject({ code: "ROWS_MOVED", facts: { when: "before the first unit" } });
      expect([await unitsOf(document), await unitsOf(rival), await decisionsOf(other, other.runId)].map(({ length }) => length)).toEqual([
        3, 0, 1,
      ]);
    });

    it.each([
      ["before", "aborted", 0],
      ["after", "committed", 3],
    ] as const)("whose COMMIT is lost %s it arrived is unknown to the writer, and the recorder tells", async (when, status, units) => {
      const { document, request } = await steps.prepareCreate();
      const ids: string[] = [];
      await setting.losing(when, async (losing, breakLine) => {
        const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", breakLine);
        await expect(losing.createUnits(permission, request)).rejects.toMatchObject({ code: "COMMIT_OUTCOME_UNKNOWN" });
        ids.push(...transactionIds);
      });
      expect(await unitsOf(document)).toHaveLength(units);
      expect(await recorders.readTransactionStatus(ids[0] ?? "")).toBe(status);
    });
  });

  describe("the document's session lock", () => {
    it("is one run's at a time, says whose, keeps nobody from another document, and is free once released", async () => {
      const [document, other] = [await setting.register(), await setting.register()];
      const held = await recorders.lockDocument(document.documentId, "run-first");
      await held.assertHeld();
      await expect(recorders.lockDocument(document.documentId, "run-second")).rejects.toMatchObject({
        code: "DOCUMENT_CLAIMED",
        facts: { holder: expect.stringContaining("cutter run-first@") },
      });
      await (await recorders.lockDocument(other.documentId, "run-second")).release();
      await held.release();
      const again = await recorders.lockDocument(document.documentId, "run-second");
      await held.release(); // lets go of nothing that is somebody else's by now
      await again.assertHeld();
      await again.release();
    });

    it("is lost with its line, and no writer waits for it", async () => {
      const document = await setting.register();
      const held = await recorders.lockDocument(document.documentId, "run-first");
      await steps.decide(document);
      await setting.breakLock(document);
      await expect(held.assertHeld()).rejects.toMatchObject({ code: "DOCUMENT_LOCK_LOST" });
      await held.release();
      await (await recorders.lockDocument(document.documentId, "run-second")).release();
    });
  });
}
