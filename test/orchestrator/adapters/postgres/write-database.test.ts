// Each step of a cut against a real server: what it leaves, and what refuses it before it leaves anything. Broken lines:
// write-faults.test.ts.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CreateUnits, ReviewDecisionRow } from "../../../../orchestrator/ports/write-database.ts";
import { registerDocument, type CutDocument } from "../../../support/database/cut-by-sql.ts";
import { makePermission } from "../../../support/write-permission.ts";
import { sourceText, startWriteWorld, type WriteWorld } from "../../../support/worlds/write-world.ts";

let world: WriteWorld;
let recorders: WriteWorld["recorders"];
let database: WriteWorld["database"];

beforeAll(async () => {
  world = await startWriteWorld();
  ({ recorders, database } = world);
}, 60_000);
afterAll(() => world.stop());

describe("the steps of a cut", () => {
  it("leave decision, units, change set, verification and lifecycle, each read back by the read-only login", async () => {
    const document = await registerDocument(world.server);
    const writer = world.writer();
    const id = await world.decide(document);
    expect(await recorders.readDecisions(document.documentId, document.sourceDocumentId, document.runId)).toMatchObject([
      { id, gate: "SG_1", payloadSha: document.payloadSha },
    ]);

    const create = makePermission(document.runId, "cut_leg_a");
    const request = await world.toCreate(document, id);
    await writer.createUnits(create.permission, request);
    const units = await recorders.readUnits(document.documentId, document.runId);
    expect(
      units.map(({ address, ordinal, parent, bodySha256, storedBodySha256, isCurrent, lifecycleState, createdBy }) => ({
        address,
        ordinal,
        parent,
        bodySha256,
        storedBodySha256,
        isCurrent,
        lifecycleState,
        createdBy,
      })),
    ).toEqual(
      document.plan.units.map((unit) => ({
        address: unit.address,
        ordinal: unit.ordinal,
        parent: unit.parent,
        bodySha256: unit.sha256,
        storedBodySha256: unit.sha256,
        isCurrent: true,
        lifecycleState: "draft",
        createdBy: "cutter_exec",
      })),
    );
    const bodies: Uint8Array[] = [];
    expect(await recorders.readBodies(document.documentId, document.runId, (_ordinal, body) => bodies.push(body))).toBe(3);
    expect(Buffer.concat(bodies).toString("utf8")).toBe(sourceText);
    expect(await recorders.readAddresses(document.documentId, document.addresses)).toHaveLength(3);
    expect(create.transactionIds).toHaveLength(1);
    expect(await recorders.readTransactionStatus(create.transactionIds[0] ?? "")).toBe("committed");

    const toDigest = (await database.readDocumentDigest(document.documentId, document.addresses)).sha256;
    const manifest = "[]";
    await writer.recordLegB(makePermission(document.runId, "leg_b_record").permission, {
      runId: document.runId,
      documentId: document.documentId,
      sourceDocumentId: document.sourceDocumentId,
      sourceVersionId: document.sourceVersionId,
      reviewDecisionId: id,
      payloadSha: document.payloadSha,
      fromDigest: request.fromDigest,
      toDigest,
      unitCount: 3,
      manifest,
      manifestSha256: "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
      signatures: [
        {
          signerRole: "sovereign",
          keyFingerprint: "A".repeat(40),
          signatureSha256: "b".repeat(64),
          approvalKbId: "knowledge/other/sg-1.md",
        },
      ],
    });
    const legB = await recorders.readLegB(document.documentId, document.sourceDocumentId, document.runId);
    expect(legB).toMatchObject({
      recordedBy: "directus_secdef",
      record: { toDigest, unitCount: 3, manifest, signatures: [{ signerRole: "sovereign" }] },
    });

    const result = {
      changeSetId: legB?.changeSetId ?? "",
      runId: document.runId,
      documentId: document.documentId,
      verdict: "pass" as const,
      unitsChecked: 3,
      toDigest,
    };
    await writer.insertVerifyResult(makePermission(document.runId, "write_verify").permission, result);
    expect(await recorders.readVerifyResult(document.documentId, result.changeSetId, document.runId)).toEqual({
      ...result,
      verifiedBy: "cutter_verify",
    });

    const second = world.toDecision(document, { phase: "lifecycle_enact", gate: "SG_2" });
    await writer.insertReviewDecision(makePermission(document.runId, "SG_2").permission, document.documentId, second);
    await writer.enactUnits(makePermission(document.runId, "lifecycle_enact").permission, {
      runId: document.runId,
      documentId: document.documentId,
      units: units.map((unit) => ({
        idempotencyKey: unit.idempotencyKey,
        address: unit.address,
        toState: "enacted",
        reviewDecisionId: second.id,
        expectedVersionId: unit.versionId,
      })),
    });
    expect(
      (await recorders.readEnacted(document.documentId, document.runId)).map(({ fromState, toState, actor, reviewDecisionId }) => ({
        fromState,
        toState,
        actor,
        reviewDecisionId,
      })),
    ).toEqual(
      Array.from({ length: 3 }, () => ({ fromState: "draft", toState: "enacted", actor: "cutter_exec", reviewDecisionId: second.id })),
    );
    expect(await recorders.readClaims(document.documentId, document.sourceDocumentId, "another-run")).toEqual([
      { runId: document.runId, reviewDecisionId: id, unitsCreated: 3, unitsEnacted: 3, unitsRetired: 0, voided: false },
    ]);
    expect(await recorders.readClaims(document.documentId, document.sourceDocumentId, document.runId)).toEqual([]);
  });
});

describe("refusals leave nothing", () => {
  it.each([
    ["another document's rows", (request: CreateUnits): CreateUnits => ({ ...request, fromDigest: "0".repeat(64) }), "ROWS_MOVED"],
    ["an unknown decision", (request: CreateUnits): CreateUnits => ({ ...request, reviewDecisionId: randomUUID() }), "EFFECT_REFUSED"],
    [
      "a body that is not the digest's",
      (request: CreateUnits): CreateUnits => ({
        ...request,
        units: request.units.map((unit, index) => (index === 2 ? { ...unit, body: "other" } : unit)),
      }),
      "EFFECT_REFUSED",
    ],
    [
      "children before parents",
      (request: CreateUnits): CreateUnits => ({ ...request, units: request.units.toReversed() }),
      "EFFECT_REFUSED",
    ],
  ])("for %s", async (_name, change, code) => {
    const document = await registerDocument(world.server);
    const request = change(await world.toCreate(document, await world.decide(document)));
    const permission = makePermission(document.runId, "cut_leg_a");
    await expect(world.writer().createUnits(permission.permission, request)).rejects.toMatchObject({ code });
    expect(await recorders.readUnits(document.documentId, document.runId)).toEqual([]);
    expect(permission.transactionIds).toEqual([]);
  });

  it("when the switch goes off just before COMMIT", async () => {
    const document = await registerDocument(world.server);
    const request = await world.toCreate(document, await world.decide(document));
    const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", () => Promise.reject(new Error("switched off")));
    await expect(world.writer().createUnits(permission, request)).rejects.toThrow("switched off");
    expect(await recorders.readUnits(document.documentId, document.runId)).toEqual([]);
    expect(await recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("aborted");
  });

  it("when rows of the document move while the units are made", async () => {
    const document = await registerDocument(world.server);
    const request = await world.toCreate(document, await world.decide(document));
    const writer = world.writer({
      beforeDigest: async (look) => {
        if (look === 2)
          await world.admin.query("update cutter_governance.source_document_registry set title = 'moved' where id = $1", [
            document.sourceDocumentId,
          ]);
      },
    });
    await expect(writer.createUnits(makePermission(document.runId, "cut_leg_a").permission, request)).rejects.toMatchObject({
      code: "ROWS_MOVED",
      facts: { when: "before COMMIT" },
    });
    expect(await recorders.readUnits(document.documentId, document.runId)).toEqual([]);
  });

  it("for a UUID that is spent, told apart from a decision that stands", async () => {
    const document = await registerDocument(world.server);
    const other = await registerDocument(world.server);
    const row = world.toDecision(document);
    const insert = (where: CutDocument, what: ReviewDecisionRow) =>
      world.writer().insertReviewDecision(makePermission(where.runId, "SG_1").permission, where.documentId, what);
    await insert(document, row);
    await expect(insert(other, world.toDecision(other, { id: row.id }))).rejects.toMatchObject({
      code: "APPROVAL_UUID_REUSED",
      facts: { reason: "spent" },
    });
    await expect(insert(document, world.toDecision(document))).rejects.toMatchObject({ code: "EFFECT_REFUSED" });
    expect(await recorders.readDecisions(other.documentId, other.sourceDocumentId, other.runId)).toEqual([]);
  });

  it("for a second cut of the same run: the function's duplicates are no success", async () => {
    const document = await registerDocument(world.server);
    const request = await world.toCreate(document, await world.decide(document));
    await world.writer().createUnits(makePermission(document.runId, "cut_leg_a").permission, request);
    const after = (await database.readDocumentDigest(document.documentId, document.addresses)).sha256;
    await expect(
      world.writer().createUnits(makePermission(document.runId, "cut_leg_a").permission, { ...request, fromDigest: after }),
    ).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { reason: "duplicate" } });
    expect((await database.readDocumentDigest(document.documentId, document.addresses)).sha256).toBe(after);
  });

  it("when a decision of SG_3 is no giving up, the table itself refuses", async () => {
    const document = await registerDocument(world.server);
    const insert = (change: Partial<ReviewDecisionRow>) =>
      world
        .writer()
        .insertReviewDecision(makePermission(document.runId, "SG_3").permission, document.documentId, world.toDecision(document, change));
    await expect(insert({ gate: "SG_3", phase: "cut_leg_a" })).rejects.toMatchObject({
      code: "EFFECT_REFUSED",
      facts: { sqlstate: "23514" },
    });
    await expect(insert({ gate: "SG_3", phase: "void", decision: "approve" })).rejects.toMatchObject({
      code: "EFFECT_REFUSED",
      facts: { sqlstate: "23514" },
    });
    await insert({ gate: "SG_3", phase: "void", decision: "void" });
    await world.decide(document);
    expect(await recorders.readClaims(document.documentId, document.sourceDocumentId, "another")).toMatchObject([
      { voided: true, unitsCreated: 0 },
    ]);
  });
});

describe("the document's locks", () => {
  it("let one session hold a document, name it to the other, and end with it", async () => {
    const document = await registerDocument(world.server);
    const held = await recorders.lockDocument(document.documentId, "run-first");
    await held.assertHeld();
    await expect(recorders.lockDocument(document.documentId, "run-second")).rejects.toMatchObject({
      code: "DOCUMENT_CLAIMED",
      facts: { holder: "cutter run-first@abababab" },
    });
    await held.release();
    const again = await recorders.lockDocument(document.documentId, "run-second");
    const admin = await world.server.connect("workflow_admin");
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'cutter run-second%'");
    await admin.end();
    await expect(again.assertHeld()).rejects.toMatchObject({ code: "DOCUMENT_LOCK_LOST" });
    await again.release();
  });

  it("make a recorder wait for a writer that is still at work", async () => {
    const document = await registerDocument(world.server);
    const request = await world.toCreate(document, await world.decide(document));
    const order: string[] = [];
    let reading: Promise<unknown> = Promise.resolve();
    await world.writer().createUnits(
      makePermission(document.runId, "cut_leg_a", async () => {
        reading = recorders.readUnits(document.documentId, document.runId).then((units) => order.push(`read ${String(units.length)}`));
        const admin = await world.server.connect("workflow_admin");
        for (let waiting = 0; waiting === 0;)
          waiting = (
            await admin.query("select 1 from pg_stat_activity where usename = 'context_pack_readonly' and wait_event = 'advisory'")
          ).rows.length;
        await admin.end();
        order.push("commit");
      }).permission,
      request,
    );
    await reading;
    expect(order).toEqual(["commit", "read 3"]);
  });
});
