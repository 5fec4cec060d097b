// What every ProductionDatabase behind the port must do, as far as phases and certificate rely on it; run against PostgreSQL, and against
// the fake.
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { ProductionDatabase } from "../../../../orchestrator/ports/database.ts";
import { toCutSteps, type CutSteps } from "../../../support/cut-steps.ts";
import { makePermission } from "../../../support/write-permission.ts";
import type { CutSetting } from "./contract-writes.ts";

export function itKeepsTheReadContract(toSetting: () => CutSetting): void {
  let setting: CutSetting;
  let database: ProductionDatabase;
  let steps: CutSteps;
  beforeAll(() => {
    setting = toSetting();
    ({ database } = setting);
    steps = toCutSteps(setting);
  });
  const censusOf = async (table: string) => (await database.readTableCensus()).find((row) => row.table === table);
  const principals = ["context_pack_readonly", "cutter_exec", "cutter_ro", "cutter_verify", "directus_secdef"];

  it("a registered document has its rows and stands in the list, sorted; another has none", async () => {
    const { document } = await steps.prepareLegB();
    expect(await database.readRegistryRows(document.documentId)).toEqual({
      documentId: document.documentId,
      docCode: document.docCode,
      sourceDocumentId: document.sourceDocumentId,
      sourceVersionId: document.sourceVersionId,
      registeredSha256: document.plan.sourceSha256,
      registeredRevision: 1,
    });
    expect(await database.readRegistryRows("knowledge/other/nobody.md")).toBeNull();
    const registered = await database.readRegisteredDocuments();
    expect(registered.find(({ documentId }) => documentId === document.documentId)).toEqual({
      documentId: document.documentId,
      docCode: document.docCode,
      registeredSha256: document.plan.sourceSha256,
      unitsThere: 3,
    });
    expect(registered.map(({ documentId }) => documentId)).toEqual(registered.map(({ documentId }) => documentId).toSorted());
  });

  it("what runs rely on is told: a primary that keeps its writes, the contract kept, every forbidden action refused with 42501", async () => {
    const facts = await database.readServerFacts();
    expect(facts).toMatchObject({ database: "directus", inRecovery: false, fsync: true, fullPageWrites: true, countsTracked: true });
    expect(facts.serverVersion.split(".")[0]).toBe(String(Math.floor(facts.serverVersionNum / 10_000)));
    expect(facts.systemIdentifier).toMatch(/^\d{15,}$/);
    expect(new Date(facts.now).toISOString()).toBe(facts.now);
    expect(await database.readContractFindings()).toEqual([]);
    expect(database.backupTables).toEqual(expect.arrayContaining(["public.information_unit", "public.unit_version"]));
    const probes = await database.probeForbiddenActions();
    expect(new Set(probes.map(({ login }) => login))).toEqual(
      new Set(["context_pack_readonly", "cutter_exec", "cutter_verify", "governance"]),
    );
    expect(probes.every(({ refused, sqlState }) => refused && sqlState === "42501")).toBe(true);
  });

  it("the grant matrix is a text and its sha256, the same each time", async () => {
    const matrix = await database.readGrantMatrix(principals);
    expect(matrix.sha256).toBe(createHash("sha256").update(matrix.text).digest("hex"));
    expect(await database.readGrantMatrix(principals)).toEqual(matrix);
  });

  describe("a document's digest", () => {
    it("is equal while its rows are, and with each step that changes them it is another", async () => {
      const { document, request } = await steps.prepareCreate();
      const read = () => database.readDocumentDigest(document.documentId, document.addresses);
      const before = await read();
      expect(before).toEqual({ sha256: request.fromDigest, unitCount: 0, plannedAddressesTaken: [] });
      await steps.prepareLegB(); // somebody else's cut
      expect(await read()).toEqual(before);
      await setting.writeDatabase.createUnits(makePermission(document.runId, "cut_leg_a").permission, request);
      const created = await read();
      expect(created).toMatchObject({ unitCount: 3, plannedAddressesTaken: document.addresses.toSorted() });
      expect(await read()).toEqual(created);
      const { document: other, request: enact } = await steps.prepareEnact();
      const draft = await database.readDocumentDigest(other.documentId, other.addresses);
      await setting.writeDatabase.enactUnits(makePermission(other.runId, "lifecycle_enact").permission, enact);
      const enacted = await database.readDocumentDigest(other.documentId, other.addresses);
      expect(new Set([before, created, draft, enacted].map(({ sha256 }) => sha256)).size).toBe(4);
    });

    it("names planned addresses that another document has taken", async () => {
      const { document } = await steps.prepareEnact();
      const other = await setting.register();
      const [address = ""] = document.addresses;
      expect(await database.readDocumentDigest(other.documentId, [...other.addresses, address])).toMatchObject({
        unitCount: 0,
        plannedAddressesTaken: [address],
      });
      expect((await database.readDocumentDigest(other.documentId, other.addresses)).plannedAddressesTaken).toEqual([]);
    });

    it("of a snapshot is the one of its moment, whatever is written while it is open", async () => {
      const { document, request } = await steps.prepareCreate();
      const snapshot = await database.openSnapshot(document.documentId, document.addresses);
      await setting.writeDatabase.createUnits(makePermission(document.runId, "cut_leg_a").permission, request);
      expect(snapshot.digest).toEqual({ sha256: request.fromDigest, unitCount: 0, plannedAddressesTaken: [] });
      expect(snapshot.id).toMatch(/^[0-9A-F]{8}-[0-9A-F]{8}-\d+$/);
      await snapshot.close();
    });
  });

  it(
    "the census is equal while nothing is written; a row written shows in count, digest and modifications, and what is " +
      "rolled back in neither of the first two",
    async () => {
      const table = "cutter_governance.review_decision";
      const document = await setting.register();
      const before = await censusOf(table);
      expect(await censusOf(table)).toMatchObject({ rowCount: before?.rowCount, sha256: before?.sha256 });
      const refused = makePermission(document.runId, "SG_1", () => Promise.reject(new Error("switched off")));
      await expect(
        setting.writeDatabase.insertReviewDecision(refused.permission, document.documentId, steps.toDecision(document)),
      ).rejects.toThrow("switched off");
      expect(await censusOf(table)).toMatchObject({ rowCount: before?.rowCount, sha256: before?.sha256 });
      await steps.decide(document);
      const after = await censusOf(table);
      expect(after?.rowCount).toBe((before?.rowCount ?? 0) + 1);
      expect(after?.sha256).not.toBe(before?.sha256);
      await expect.poll(async () => BigInt((await censusOf(table))?.modifications ?? 0) > BigInt(before?.modifications ?? 0)).toBe(true);
    },
  );

  it("evidence counts each login's transactions, none of which was given an id, and outlives the connections", async () => {
    const own = setting.openDatabase();
    expect(own.connectionEvidence()).toEqual([]);
    const document = await setting.register();
    await own.readServerFacts();
    await (await own.openSnapshot(document.documentId, document.addresses)).close();
    const evidence = own.connectionEvidence();
    expect(evidence).toEqual([{ login: "context_pack_readonly", transactions: 2, transactionIdsAssigned: [] }]);
    await own.close();
    expect(own.connectionEvidence()).toEqual(evidence);
  });
}
