// A login that leads to another server or database than the run's other logins is refused, by the readers, the writers and the survey.
import { afterAll, beforeAll, expect, it } from "vitest";
import { openEvidence } from "../../../../orchestrator/adapters/postgres/evidence.ts";
import { openProductionDatabase } from "../../../../orchestrator/adapters/postgres/production-database.ts";
import { openSameServer } from "../../../../orchestrator/adapters/postgres/same-server.ts";
import type { DatabaseSettings, LoginSettings } from "../../../../orchestrator/adapters/postgres/settings.ts";
import { tryLogin } from "../../../../orchestrator/adapters/postgres/try-login.ts";
import { openWriteDatabase } from "../../../../orchestrator/adapters/postgres/write-database.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import { registerDocument } from "../../../support/database/cut-by-sql.ts";
import { startFaultProxy } from "../../../support/hosts/fault-proxy.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { toTestSettings } from "../../../support/database/production-database.ts";
import { makePermission } from "../../../support/write-permission.ts";

let server: TestPostgres;
let elsewhere: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  elsewhere = await startPostgres();
}, 90_000);
afterAll(async () => {
  await Promise.all([server.stop(), elsewhere.stop()]);
});

/** Roles and database have the same names there. */
function withGovernance(login: Partial<LoginSettings>): DatabaseSettings & { readonly governance: LoginSettings } {
  const { logins } = toTestSettings(server);
  const governance = { ...(logins.governance ?? logins.cutter_exec), ...login };
  return { logins: { ...logins, governance }, governance };
}
const onTheOther = (): ReturnType<typeof withGovernance> =>
  withGovernance({ port: elsewhere.port, password: new Secret(elsewhere.passwords.directus_secdef) });

const refused = {
  code: "DATABASE_SERVERS_DIFFER",
  exitCode: 10,
  facts: { login: "governance", other: "context_pack_readonly", part: "server, by the time it was started" },
};

it("is refused where each login asks what it may see, as source_pin and closeout do", async () => {
  const database = openProductionDatabase(onTheOther(), "directus_secdef");
  await expect(database.readHiddenTables()).rejects.toMatchObject(refused);
  await expect(database.readServerFacts()).resolves.toMatchObject({ database: "directus" }); // the reader is not to blame
  await database.close();
});

it("writes nothing there", async () => {
  const document = await registerDocument(elsewhere);
  const settings = onTheOther();
  const evidence = openEvidence();
  const database = openProductionDatabase(settings, "directus_secdef", evidence);
  await database.readServerFacts();
  const digest = { sha256: "", unitCount: 0, plannedAddressesTaken: [] };
  const writer = openWriteDatabase(settings, () => Promise.resolve(digest), { sameServer: evidence.sameServer });
  const row = {
    id: "99999999-0000-4000-8000-000000000009",
    sourceDocumentId: document.sourceDocumentId,
    phase: "cut_leg_a",
    gate: "SG_1",
    runId: document.runId,
    decision: "approve",
    payloadSha: "a".repeat(64),
    approvalKbId: "knowledge/approval.md",
    approvalSha256: "b".repeat(64),
  } as const;
  const { permission, transactionIds } = makePermission(document.runId, "SG_1");
  await expect(writer.insertReviewDecision(permission, document.documentId, row)).rejects.toMatchObject(refused);
  expect(transactionIds).toEqual([]);
  const there = await elsewhere.connect("workflow_admin");
  expect((await there.query("select from cutter_governance.review_decision where run_id = $1", [document.runId])).rows).toEqual([]);
  await database.close();
});

it("is told by the survey's try, and another way to the same server is none of it", async () => {
  const { context_pack_readonly: reader } = toTestSettings(server).logins;
  const sameServer = openSameServer();
  expect(await tryLogin(reader, "context_pack_readonly", sameServer)).toBeNull();
  expect(await tryLogin(onTheOther().governance, "governance", sameServer)).toMatchObject(refused);
  const proxy = await startFaultProxy(server.port);
  expect(await tryLogin(withGovernance({ port: proxy.port }).governance, "governance", sameServer)).toBeNull();
  await proxy.stop();
});

it("is refused in another database of the same server, too", async () => {
  const database = openProductionDatabase(withGovernance({ database: "postgres" }), "directus_secdef");
  await expect(database.readHiddenTables()).rejects.toMatchObject({ ...refused, facts: { part: "database, by its oid" } });
  await database.close();
});

it("a session that has ended is compared with no more: the server may have been started again", async () => {
  const sameServer = openSameServer();
  const gone = Promise.withResolvers<void>();
  const [before, after] = [
    { databaseOid: "5", serverStartedAt: "2026-11-22T10:00:00.000000Z" },
    { databaseOid: "5", serverStartedAt: "2026-11-22T11:00:00.000000Z" },
  ];
  sameServer.admit("context_pack_readonly", before, gone.promise);
  expect(() => sameServer.admit("cutter_exec", after)).toThrow("DATABASE_SERVERS_DIFFER");
  gone.resolve();
  await gone.promise;
  sameServer.admit("cutter_exec", after);
});
