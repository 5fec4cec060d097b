// The revert's transaction against a real server: what it needs, what it refuses, and an answer to COMMIT that never comes.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "pg";
import { openProductionDatabase } from "../../../../orchestrator/adapters/postgres/production-database.ts";
import { openRevertDatabase } from "../../../../orchestrator/adapters/postgres/revert-database.ts";
import { readRevertSettings, type LoginSettings } from "../../../../orchestrator/adapters/postgres/settings.ts";
import { readContractFile } from "../../../../orchestrator/adapters/postgres/sql-files.ts";
import { toRunColumn, toTablesWithRun } from "../../../../orchestrator/core/revert/differences.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import type { WritePermission } from "../../../../orchestrator/ports/permission.ts";
import type { RevertDatabase, RevertRequest } from "../../../../orchestrator/ports/revert-database.ts";
import { cutDocument, type CutDocument } from "../../../support/database/cut-by-sql.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { toTestSettings } from "../../../support/database/production-database.ts";

const runbook = readFileSync(join(import.meta.dirname, "../../../../sql/lifecycle/rollback_runbook.sql"), "utf8");
let server: TestPostgres;
let admin: Client;
let reader: LoginSettings;
let revert: LoginSettings;

beforeAll(async () => {
  server = await startPostgres();
  admin = await server.connect("workflow_admin");
  reader = toTestSettings(server).logins.context_pack_readonly;
  revert = { ...reader, user: "cutter_revert", password: new Secret(server.passwords.cutter_revert) };
}, 60_000);
afterAll(() => server.stop());

const permit = (beforeCommit: (id: string) => Promise<void> = () => Promise.resolve()) =>
  ({ runId: "R", step: "revert", beforeCommit }) as unknown as WritePermission;

async function toRequest(document: CutDocument, change: Partial<RevertRequest> = {}): Promise<RevertRequest> {
  const database = openProductionDatabase({ logins: { context_pack_readonly: reader } }, null);
  const { sha256 } = await database.readDocumentDigest(document.documentId, document.addresses);
  await database.close();
  return {
    runId: document.runId,
    documentId: document.documentId,
    reviewDecisionId: randomUUID(),
    runbook,
    expectedDigest: sha256,
    plannedAddresses: document.addresses,
    expectedUnits: 3,
    ...change,
  };
}

async function withReverts<Result>(work: (reverts: RevertDatabase) => Promise<Result>, logins = { reader, revert }): Promise<Result> {
  const reverts = openRevertDatabase(logins);
  try {
    return await work(reverts);
  } finally {
    await reverts.close();
  }
}

/** Passes everything through; once the client has said COMMIT, the answer is not passed on and the line is cut. */
async function cutAfterCommit(port: number): Promise<Server> {
  const proxy = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    let mute = false;
    client.on("data", (bytes: Buffer) => {
      if (bytes.includes("commit\0")) mute = true;
      upstream.write(bytes);
    });
    upstream.on("data", (bytes: Buffer) => (mute ? client.destroy() : client.write(bytes)));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
  });
  return new Promise((done) => proxy.listen(0, "127.0.0.1", () => done(proxy)));
}

describe("the revert's transaction", () => {
  test("tells the id of its transaction before COMMIT, and the server knows it as committed after", async () => {
    const document = await cutDocument(server);
    const request = await toRequest(document);
    let told = "";
    const proof = await withReverts((reverts) =>
      reverts.apply(
        permit(async (id) => void (told = id)),
        request,
      ),
    );
    expect(proof).toEqual({ unitsOfRun: 3, stillStanding: 0, revertsLogged: 3 });
    expect((await admin.query("select pg_xact_status($1::xid8) as status", [told])).rows).toEqual([{ status: "committed" }]);
  });

  test("is rolled back when the permission is withdrawn just before COMMIT", async () => {
    const document = await cutDocument(server);
    const request = await toRequest(document);
    await expect(
      withReverts((reverts) =>
        reverts.apply(
          permit(() => Promise.reject(new Error("withdrawn"))),
          request,
        ),
      ),
    ).rejects.toThrow();
    expect(
      (await admin.query("select distinct lifecycle_state from public.information_unit where created_by_run = $1", [document.runId])).rows,
    ).toEqual([{ lifecycle_state: "enacted" }]);
  });

  test("an answer to COMMIT that never comes is REVERT_COMMIT_UNKNOWN, and reading tells that it landed", async () => {
    const document = await cutDocument(server);
    const request = await toRequest(document);
    const proxy = await cutAfterCommit(server.port);
    try {
      await withReverts(
        async (reverts) => {
          await expect(reverts.apply(permit(), request)).rejects.toMatchObject({ code: "REVERT_COMMIT_UNKNOWN", exitCode: 30 });
          expect(await reverts.readState(document.documentId, document.runId, null)).toMatchObject({
            stillStanding: 0,
            revertsLogged: 3,
            revertDecisions: [request.reviewDecisionId],
          });
        },
        { reader, revert: { ...revert, port: (proxy.address() as AddressInfo).port } },
      );
    } finally {
      proxy.close();
    }
  });

  test("without its rights it stops by code, naming no row", async () => {
    const document = await cutDocument(server);
    const request = await toRequest(document);
    const { logins } = toTestSettings(server);
    await expect(
      withReverts((reverts) => reverts.apply(permit(), request), { reader, revert: logins.cutter_verify }),
    ).rejects.toMatchObject({ code: "DATABASE_RIGHT_MISSING" });
  });

  test("waits no longer for the document than its limit says", async () => {
    const document = await cutDocument(server);
    const request = await toRequest(document);
    await admin.query("begin");
    await admin.query("select pg_advisory_xact_lock(hashtextextended('cutter.document:' || $1, 0))", [document.documentId]);
    try {
      const impatient = openRevertDatabase(
        { reader, revert },
        { lockTimeoutMs: 200, statementTimeoutMs: 10_000, idleTimeoutMs: 10_000, deadlineMs: 20_000 },
      );
      await expect(impatient.apply(permit(), request)).rejects.toMatchObject({ code: "DATABASE_LOCKED" });
      await impatient.close();
    } finally {
      await admin.query("rollback");
    }
  });
});

test("every table of the contract that names a run is known to the comparison, so that a new one is not forgotten", () => {
  const tables = toTablesWithRun(readContractFile());
  expect(tables.length).toBeGreaterThan(5);
  expect(tables.filter((table) => toRunColumn(table) === null)).toEqual([]);
});

test("the revert's login must be the pinned principal's", async () => {
  const values: Readonly<Record<string, string>> = {
    DOT_CUTTER_DB_HOST: "127.0.0.1",
    DOT_CUTTER_DB_PORT: "5432",
    DOT_CUTTER_DB_NAME: "directus",
    DOT_CUTTER_DB_SSLMODE: "disable",
    DOT_CUTTER_REVERT_DB_USER: "workflow_admin",
    DOT_CUTTER_READONLY_DB_USER: "context_pack_readonly",
  };
  const env = { read: () => Promise.resolve(new Secret("a password")), readPlain: (name: string) => Promise.resolve(values[name] ?? "") };
  await expect(readRevertSettings(env, "cutter_revert")).rejects.toMatchObject({ code: "REVERT_LOGIN_MISMATCH", exitCode: 78 });
  expect((await readRevertSettings(env, "workflow_admin")).revert.user).toBe("workflow_admin");
});
