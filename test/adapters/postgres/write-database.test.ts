// Each step of a cut against a real server: what it leaves, what refuses it, and what a broken line leaves behind.
import { randomUUID } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRecorders } from "../../../orchestrator/adapters/postgres/recorders.ts";
import { openProductionDatabase } from "../../../orchestrator/adapters/postgres/production-database.ts";
import type { DatabaseSettings, LoginSettings } from "../../../orchestrator/adapters/postgres/settings.ts";
import { openWriteDatabase } from "../../../orchestrator/adapters/postgres/write-database.ts";
import { Secret } from "../../../orchestrator/core/secret.ts";
import type { ProductionDatabase } from "../../../orchestrator/ports/database.ts";
import type { CreateUnits, ReviewDecisionRow } from "../../../orchestrator/ports/write-database.ts";
import { registerDocument, type CutDocument } from "../../support/cut-by-sql.ts";
import { startPostgres, type TestPostgres, type TestRole } from "../../support/postgres.ts";
import { makePermission } from "../../support/write-permission.ts";

let server: TestPostgres;
let database: ProductionDatabase;
let recorders: ReturnType<typeof openRecorders>;

const toSettings = (change: Partial<LoginSettings> = {}): DatabaseSettings => {
  const login = (user: TestRole): LoginSettings => ({ host: server.host, port: server.port, database: server.database, user, password: new Secret(server.passwords[user]), sslMode: "disable", ...change });
  return { logins: { context_pack_readonly: login("context_pack_readonly"), cutter_exec: login("cutter_exec"), cutter_verify: login("cutter_verify"), governance: login("directus_secdef") } };
};
const toWriter = (change: Partial<LoginSettings> = {}) => openWriteDatabase(toSettings(change), (documentId, addresses) => database.readDocumentDigest(documentId, addresses));

beforeAll(async () => {
  server = await startPostgres();
  database = openProductionDatabase(toSettings(), "directus_secdef");
  recorders = openRecorders(toSettings(), "ab".repeat(32));
});
afterAll(async () => {
  await recorders.close();
  await database.close();
  await server.stop();
});

const toDecision = (document: CutDocument, change: Partial<ReviewDecisionRow> = {}): ReviewDecisionRow => ({
  id: randomUUID(), sourceDocumentId: document.sourceDocumentId, phase: "cut_leg_a", gate: "SG_1", runId: document.runId, decision: "approve", payloadSha: document.payloadSha,
  approvalKbId: "knowledge/other/sg-1.md", approvalSha256: "a".repeat(64), ...change,
});
const source = "# One\n\nĐiều 1.\r\n## Two\n\nText.\n## Three\n\nEnd without newline";

async function toRequest(document: CutDocument, decisionId: string): Promise<CreateUnits> {
  const bytes = Buffer.from(source, "utf8");
  return {
    runId: document.runId, documentId: document.documentId, plannedAddresses: document.addresses, reviewDecisionId: decisionId,
    fromDigest: (await database.readDocumentDigest(document.documentId, document.addresses)).sha256,
    units: document.plan.units.map((unit) => ({
      idempotencyKey: `${document.runId}:${String(unit.ordinal)}`, address: unit.address, docCode: document.docCode, parent: unit.parent, kind: unit.kind, ordinal: unit.ordinal, headingPath: unit.title,
      byteStart: unit.byteStart, byteEnd: unit.byteEnd, bodySha256: unit.sha256, sourceVersionId: document.sourceVersionId, body: bytes.subarray(unit.byteStart, unit.byteEnd).toString("utf8"),
    })),
  };
}

async function decided(document: CutDocument): Promise<string> {
  const row = toDecision(document);
  await toWriter().insertReviewDecision(makePermission(document.runId, "SG_1").permission, document.documentId, row);
  return row.id;
}

describe("the steps of a cut", () => {
  it("leave decision, units, change set, verification and lifecycle, each read back by the read-only login", async () => {
    const document = await registerDocument(server);
    const writer = toWriter();
    const id = await decided(document);
    expect(await recorders.readDecisions(document.documentId, document.sourceDocumentId, document.runId)).toMatchObject([{ id, gate: "SG_1", payloadSha: document.payloadSha }]);

    const create = makePermission(document.runId, "cut_leg_a");
    const request = await toRequest(document, id);
    await writer.createUnits(create.permission, request);
    const units = await recorders.readUnits(document.documentId, document.runId);
    expect(units.map(({ address, ordinal, parent, bodySha256, storedBodySha256, isCurrent, lifecycleState, createdBy }) => ({ address, ordinal, parent, bodySha256, storedBodySha256, isCurrent, lifecycleState, createdBy }))).toEqual(
      document.plan.units.map((unit) => ({ address: unit.address, ordinal: unit.ordinal, parent: unit.parent, bodySha256: unit.sha256, storedBodySha256: unit.sha256, isCurrent: true, lifecycleState: "draft", createdBy: "cutter_exec" })),
    );
    const bodies: Uint8Array[] = [];
    expect(await recorders.readBodies(document.documentId, document.runId, (_ordinal, body) => bodies.push(body))).toBe(3);
    expect(Buffer.concat(bodies).toString("utf8")).toBe(source);
    expect(await recorders.readAddresses(document.documentId, document.addresses)).toHaveLength(3);
    expect(create.transactionIds).toHaveLength(1);
    expect(await recorders.readTransactionStatus(create.transactionIds[0] ?? "")).toBe("committed");

    const toDigest = (await database.readDocumentDigest(document.documentId, document.addresses)).sha256;
    const manifest = "[]";
    await writer.recordLegB(makePermission(document.runId, "leg_b_record").permission, {
      runId: document.runId, documentId: document.documentId, sourceDocumentId: document.sourceDocumentId, sourceVersionId: document.sourceVersionId, reviewDecisionId: id, payloadSha: document.payloadSha,
      fromDigest: request.fromDigest, toDigest, unitCount: 3, manifest, manifestSha256: "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
      signatures: [{ signerRole: "sovereign", keyFingerprint: "A".repeat(40), signatureSha256: "b".repeat(64), approvalKbId: "knowledge/other/sg-1.md" }],
    });
    const legB = await recorders.readLegB(document.documentId, document.sourceDocumentId, document.runId);
    expect(legB).toMatchObject({ recordedBy: "directus_secdef", record: { toDigest, unitCount: 3, manifest, signatures: [{ signerRole: "sovereign" }] } });

    const result = { changeSetId: legB?.changeSetId ?? "", runId: document.runId, documentId: document.documentId, verdict: "pass" as const, unitsChecked: 3, toDigest };
    await writer.insertVerifyResult(makePermission(document.runId, "write_verify").permission, result);
    expect(await recorders.readVerifyResult(document.documentId, result.changeSetId, document.runId)).toEqual({ ...result, verifiedBy: "cutter_verify" });

    const second = toDecision(document, { phase: "lifecycle_enact", gate: "SG_2" });
    await writer.insertReviewDecision(makePermission(document.runId, "SG_2").permission, document.documentId, second);
    await writer.enactUnits(makePermission(document.runId, "lifecycle_enact").permission, {
      runId: document.runId, documentId: document.documentId,
      units: units.map((unit) => ({ idempotencyKey: unit.idempotencyKey, address: unit.address, toState: "enacted", reviewDecisionId: second.id, expectedVersionId: unit.versionId })),
    });
    expect((await recorders.readEnacted(document.documentId, document.runId)).map(({ fromState, toState, actor, reviewDecisionId }) => ({ fromState, toState, actor, reviewDecisionId }))).toEqual(
      Array.from({ length: 3 }, () => ({ fromState: "draft", toState: "enacted", actor: "cutter_exec", reviewDecisionId: second.id })),
    );
    expect(await recorders.readClaims(document.documentId, document.sourceDocumentId, "another-run")).toEqual([{ runId: document.runId, reviewDecisionId: id, unitsCreated: 3, unitsEnacted: 3, unitsRetired: 0, voided: false }]);
    expect(await recorders.readClaims(document.documentId, document.sourceDocumentId, document.runId)).toEqual([]);
  });
});

describe("refusals leave nothing", () => {
  it.each([
    ["another document's rows", (request: CreateUnits): CreateUnits => ({ ...request, fromDigest: "0".repeat(64) }), "ROWS_MOVED"],
    ["an unknown decision", (request: CreateUnits): CreateUnits => ({ ...request, reviewDecisionId: randomUUID() }), "EFFECT_REFUSED"],
    ["a body that is not the digest's", (request: CreateUnits): CreateUnits => ({ ...request, units: request.units.map((unit, index) => (index === 2 ? { ...unit, body: "other" } : unit)) }), "EFFECT_REFUSED"],
    ["children before parents", (request: CreateUnits): CreateUnits => ({ ...request, units: request.units.toReversed() }), "EFFECT_REFUSED"],
  ])("for %s", async (_name, change, code) => {
    const document = await registerDocument(server);
    const request = change(await toRequest(document, await decided(document)));
    const permission = makePermission(document.runId, "cut_leg_a");
    await expect(toWriter().createUnits(permission.permission, request)).rejects.toMatchObject({ code });
    expect(await recorders.readUnits(document.documentId, document.runId)).toEqual([]);
    expect(permission.transactionIds).toEqual([]);
  });

  it("when the switch goes off just before COMMIT", async () => {
    const document = await registerDocument(server);
    const request = await toRequest(document, await decided(document));
    const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", () => Promise.reject(new Error("switched off")));
    await expect(toWriter().createUnits(permission, request)).rejects.toThrow("switched off");
    expect(await recorders.readUnits(document.documentId, document.runId)).toEqual([]);
    expect(await recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("aborted");
  });

  it("when rows of the document move while the units are made", async () => {
    const document = await registerDocument(server);
    const request = await toRequest(document, await decided(document));
    let looked = 0;
    const writer = openWriteDatabase(toSettings(), async (documentId, addresses) => {
      if (++looked === 2) {
        const stranger = await server.connect("workflow_admin");
        await stranger.query("update cutter_governance.source_document_registry set title = 'moved' where id = $1", [document.sourceDocumentId]);
        await stranger.end();
      }
      return database.readDocumentDigest(documentId, addresses);
    });
    await expect(writer.createUnits(makePermission(document.runId, "cut_leg_a").permission, request)).rejects.toMatchObject({ code: "ROWS_MOVED", facts: { when: "before COMMIT" } });
    expect(await recorders.readUnits(document.documentId, document.runId)).toEqual([]);
  });

  it("for a UUID that is spent, told apart from a decision that stands", async () => {
    const document = await registerDocument(server);
    const other = await registerDocument(server);
    const row = toDecision(document);
    const insert = (where: CutDocument, what: ReviewDecisionRow) => toWriter().insertReviewDecision(makePermission(where.runId, "SG_1").permission, where.documentId, what);
    await insert(document, row);
    await expect(insert(other, toDecision(other, { id: row.id }))).rejects.toMatchObject({ code: "APPROVAL_UUID_SPENT" });
    await expect(insert(document, toDecision(document))).rejects.toMatchObject({ code: "EFFECT_REFUSED" });
    expect(await recorders.readDecisions(other.documentId, other.sourceDocumentId, other.runId)).toEqual([]);
  });

  it("for a second cut of the same run: the function's duplicates are no success", async () => {
    const document = await registerDocument(server);
    const request = await toRequest(document, await decided(document));
    await toWriter().createUnits(makePermission(document.runId, "cut_leg_a").permission, request);
    const after = (await database.readDocumentDigest(document.documentId, document.addresses)).sha256;
    await expect(toWriter().createUnits(makePermission(document.runId, "cut_leg_a").permission, { ...request, fromDigest: after })).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { reason: "duplicate" } });
    expect((await database.readDocumentDigest(document.documentId, document.addresses)).sha256).toBe(after);
  });

  it("when a decision of SG_3 is no giving up, the table itself refuses", async () => {
    const document = await registerDocument(server);
    const insert = (change: Partial<ReviewDecisionRow>) => toWriter().insertReviewDecision(makePermission(document.runId, "SG_3").permission, document.documentId, toDecision(document, change));
    await expect(insert({ gate: "SG_3", phase: "cut_leg_a" })).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23514" } });
    await expect(insert({ gate: "SG_3", phase: "void", decision: "approve" })).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23514" } });
    await insert({ gate: "SG_3", phase: "void", decision: "void" });
    await decided(document);
    expect(await recorders.readClaims(document.documentId, document.sourceDocumentId, "another")).toMatchObject([{ voided: true, unitsCreated: 0 }]);
  });
});

describe("the server goes away", () => {
  it("before COMMIT: nothing is written, and it is told as unreachable", async () => {
    const document = await registerDocument(server);
    const request = await toRequest(document, await decided(document));
    const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", async () => {
      const admin = await server.connect("workflow_admin");
      await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'cutter_exec'");
      await admin.end();
    });
    const ended = toWriter().createUnits(permission, request);
    // the line breaks under COMMIT or just before it: either way nobody may say "written"
    await expect(ended).rejects.toMatchObject({ code: expect.stringMatching(/^(COMMIT_OUTCOME_UNKNOWN|DATABASE_UNREACHABLE)$/) as string });
    expect(await recorders.readUnits(document.documentId, document.runId)).toEqual([]);
    expect(await recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("aborted");
  });

  it("with COMMIT's answer: the outcome is unknown, and the recorder tells that it landed", async () => {
    const document = await registerDocument(server);
    const request = await toRequest(document, await decided(document));
    const proxy = await startProxy(server.port);
    try {
      const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", () => {
        proxy.swallowAnswers();
        return Promise.resolve();
      });
      const end = await toWriter({ port: proxy.port }).createUnits(permission, request).catch((error: unknown) => error);
      expect(end).toMatchObject({ code: "COMMIT_OUTCOME_UNKNOWN", facts: { transaction_id: transactionIds[0] ?? "" } });
      expect(await recorders.readUnits(document.documentId, document.runId)).toHaveLength(3);
      expect(await recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("committed");
    } finally {
      await proxy.stop();
    }
  });
});

describe("the document's locks", () => {
  it("let one session hold a document, name it to the other, and end with it", async () => {
    const document = await registerDocument(server);
    const held = await recorders.holdDocument(document.documentId, "run-first");
    await held.assertHeld();
    await expect(recorders.holdDocument(document.documentId, "run-second")).rejects.toMatchObject({ code: "DOCUMENT_CLAIMED", facts: { holder: "cutter run-first@abababab" } });
    await held.release();
    const again = await recorders.holdDocument(document.documentId, "run-second");
    const admin = await server.connect("workflow_admin");
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'cutter run-second%'");
    await admin.end();
    await expect(again.assertHeld()).rejects.toMatchObject({ code: "DOCUMENT_LOCK_LOST" });
    await again.release();
  });

  it("make a recorder wait for a writer that is still at work", async () => {
    const document = await registerDocument(server);
    const request = await toRequest(document, await decided(document));
    const order: string[] = [];
    let reading: Promise<unknown> = Promise.resolve();
    await toWriter().createUnits(
      makePermission(document.runId, "cut_leg_a", async () => {
        reading = recorders.readUnits(document.documentId, document.runId).then((units) => order.push(`read ${String(units.length)}`));
        const admin = await server.connect("workflow_admin");
        for (let waiting = 0; waiting === 0; ) waiting = (await admin.query("select 1 from pg_stat_activity where usename = 'context_pack_readonly' and wait_event = 'advisory'")).rows.length;
        await admin.end();
        order.push("commit");
      }).permission,
      request,
    );
    await reading;
    expect(order).toEqual(["commit", "read 3"]);
  });
});

interface Proxy {
  readonly port: number;
  /** From now on what the server says goes nowhere, and the line is cut with the next thing it says. */
  swallowAnswers(): void;
  stop(): Promise<void>;
}

async function startProxy(target: number): Promise<Proxy> {
  const sockets: Socket[] = [];
  let swallow = false;
  const proxy: Server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
    client.on("data", (chunk) => upstream.write(chunk)).on("close", () => upstream.destroy());
    upstream.on("data", (chunk) => (swallow ? client.destroy() : client.write(chunk))).on("close", () => client.destroy());
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  const address = proxy.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    swallowAnswers: () => {
      swallow = true;
    },
    stop: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        proxy.close(() => done());
      }),
  };
}
