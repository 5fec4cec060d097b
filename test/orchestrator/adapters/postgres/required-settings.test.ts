// A superuser's ALTER SYSTEM and a reload reach sessions that are open: what was read is refused then, and nothing is committed.
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Client } from "pg";
import { openRevertDatabase } from "../../../../orchestrator/adapters/postgres/revert-database.ts";
import { openWriteDatabase } from "../../../../orchestrator/adapters/postgres/write-database.ts";
import { requiredSettings } from "../../../../orchestrator/core/database/session-settings.ts";
import type { ReviewDecisionRow } from "../../../../orchestrator/ports/write-database.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import { cutDocument, registerDocument } from "../../../support/database/cut-by-sql.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { openTestDatabase, toTestSettings } from "../../../support/database/production-database.ts";
import { makePermission } from "../../../support/write-permission.ts";

let server: TestPostgres;
let admin: Client;
beforeAll(async () => {
  server = await startPostgres({ ownServer: "it changes the server's configuration" });
  admin = await server.connect("workflow_admin");
}, 60_000);
afterEach(() => reconfigure("alter system reset all", 0));
afterAll(() => server.stop());

/** Until `changed` of the required settings come from the configuration, in a session that was open before. */
async function reconfigure(statement: string, changed: number): Promise<void> {
  await admin.query(statement);
  await admin.query("select pg_reload_conf()");
  const read = async (): Promise<number> =>
    (await admin.query("select from pg_settings where name = any ($1) and source = 'configuration file'", [Object.keys(requiredSettings)]))
      .rows.length;
  await expect.poll(read, { timeout: 10_000 }).toBe(changed);
}
const triggersOff = "alter system set session_replication_role = replica";
const refused = {
  code: "DATABASE_SETTING_REFUSED",
  facts: { setting: "session_replication_role", expected: "origin", found: "replica", source: "changed while the session was open" },
};
const untilSeen = async (condition: string): Promise<void> => {
  const see = async () => (await admin.query(`select from pg_stat_activity where pid <> pg_backend_pid() and ${condition}`)).rows.length;
  await expect.poll(see, { timeout: 10_000 }).toBeGreaterThan(0);
};

it.each([
  ["session_replication_role", "replica"],
  ["zero_damaged_pages", "on"],
  ["ignore_checksum_failure", "on"],
])("a reader's open session does not tell what it read with %s = %s, so no certificate comes of it", async (setting, found) => {
  const database = openTestDatabase(server);
  await database.readTableCensus();
  await reconfigure(`alter system set ${setting} = ${found}`, 1);
  const login = "context_pack_readonly";
  await expect(database.readTableCensus()).rejects.toMatchObject({ ...refused, facts: { login, setting, found } });
  await reconfigure("alter system reset all", 0);
  await expect(database.readTableCensus()).resolves.not.toEqual([]);
  await database.close();
});

it("a write is not committed when it changed while the transaction waited", async () => {
  const { documentId, sourceDocumentId, runId } = await registerDocument(server);
  const digest = { sha256: "", unitCount: 0, plannedAddressesTaken: [] };
  const writer = openWriteDatabase(toTestSettings(server), () => Promise.resolve(digest));
  const holder = await server.connect("workflow_admin");
  await holder.query("begin");
  await holder.query("select pg_advisory_xact_lock(hashtextextended('cutter.document:' || $1, 0))", [documentId]);
  const { permission, transactionIds } = makePermission(runId, "SG_1");
  const row: ReviewDecisionRow = {
    id: randomUUID(),
    sourceDocumentId,
    phase: "cut_leg_a",
    gate: "SG_1",
    runId,
    decision: "approve",
    payloadSha: "a".repeat(64),
    approvalKbId: "knowledge/approval.md",
    approvalSha256: "b".repeat(64),
  };
  const write = writer.insertReviewDecision(permission, documentId, row).catch((error: unknown) => error);
  await untilSeen("wait_event_type = 'Lock'");
  await reconfigure(triggersOff, 1);
  await holder.query("rollback");
  expect(await write).toMatchObject({ ...refused, facts: { ...refused.facts, login: "governance" } });
  expect(transactionIds).toEqual([]);
  expect((await admin.query("select from cutter_governance.review_decision where run_id = $1", [runId])).rows).toEqual([]);
});

it("nor is a revert", async () => {
  const document = await cutDocument(server);
  const database = openTestDatabase(server);
  const { sha256 } = await database.readDocumentDigest(document.documentId, document.addresses);
  await database.close();
  const reader = toTestSettings(server).logins.context_pack_readonly;
  const login = { ...reader, user: "cutter_revert", password: new Secret(server.passwords.cutter_revert) };
  const reverts = openRevertDatabase({ reader, revert: login });
  const { permission, transactionIds } = makePermission(document.runId, "revert");
  const request = {
    runId: document.runId,
    documentId: document.documentId,
    reviewDecisionId: randomUUID(),
    runbook: "select pg_sleep(3); select 3 as units_of_run, 0 as still_standing, 3 as reverts_logged",
    expectedDigest: sha256,
    plannedAddresses: document.addresses,
    expectedUnits: 3,
  };
  const revert = reverts.apply(permission, request).catch((error: unknown) => error);
  await untilSeen("wait_event = 'PgSleep'");
  await reconfigure(triggersOff, 1);
  expect(await revert).toMatchObject({ ...refused, facts: { ...refused.facts, login: "revert principal" } });
  expect(transactionIds).toEqual([]);
  await reverts.close();
});
