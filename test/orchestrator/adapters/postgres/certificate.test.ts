// The certificate from real evidence: a dry run that wrote nothing passes, a hidden insert-and-delete never does.
import { afterAll, beforeAll, expect, test } from "vitest";
import { openReadConnection } from "../../../../orchestrator/adapters/postgres/connection.ts";
import type { EvidenceLog } from "../../../../orchestrator/adapters/postgres/evidence.ts";
import { type Certificate, toCertificate, toServerEvidence } from "../../../../orchestrator/core/run/certificate.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import type { ConnectionEvidence } from "../../../../orchestrator/ports/database.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { openTestDatabase } from "../../../support/database/production-database.ts";

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres({ ownServer: "it changes settings of a role" });
}, 60_000);
afterAll(async () => {
  await server.stop();
});

/** Census, what a run does on every login, `meanwhile`, census: as the engine does it. */
async function certify(meanwhile: () => Promise<readonly ConnectionEvidence[]>): Promise<Certificate> {
  const database = openTestDatabase(server);
  try {
    const serverBefore = await database.readServerFacts();
    const before = await database.readTableCensus();
    await database.readContractFindings();
    await database.probeForbiddenActions();
    await (await database.openSnapshot("knowledge/other/office-handbook.md", [])).close();
    const others = await meanwhile();
    const after = await database.readTableCensus();
    const server = { before: toServerEvidence(serverBefore), after: toServerEvidence(await database.readServerFacts()) };
    return toCertificate({
      server,
      before,
      after,
      connections: [...database.connectionEvidence(), ...others],
      unknownAttempts: 0,
      hidden: await database.readHiddenTables(),
      standby: false,
      firing: [],
      kbDocuments: ["knowledge/x.md"],
    });
  } finally {
    await database.close();
  }
}

test("a run that only read passes", async () => {
  const certificate = await certify(() => Promise.resolve([]));
  expect(certificate.reasons).toEqual([]);
  expect(certificate.verdict).toBe("pass");
  expect(certificate.tables).toHaveLength(12);
});

test("a connection of ours that was given a transaction id fails, and the id is named", async () => {
  const evidence: EvidenceLog = { login: "governance", transactions: 0, assigned: new Map() };
  const certificate = await certify(async () => {
    const settings = {
      host: server.host,
      port: server.port,
      database: "directus",
      user: "workflow_admin",
      password: new Secret(server.passwords.workflow_admin),
      sslMode: "disable" as const,
    };
    const connection = await openReadConnection(settings, evidence, 5_000);
    const limits = { lockTimeoutMs: 1_000, statementTimeoutMs: 5_000, idleTimeoutMs: 5_000, deadlineMs: 10_000 };
    await connection.read(limits, async (transaction) => {
      // no way out of READ ONLY
      await expect(transaction.query("test", [], "set transaction read write")).rejects.toMatchObject({ code: "DATABASE_QUERY_FAILED" });
    });
    await connection.read(limits, (transaction) => transaction.query("test", [], "select pg_current_xact_id()"));
    await connection.close();
    return [{ login: evidence.login, transactions: evidence.transactions, transactionIdsAssigned: [...evidence.assigned.values()] }];
  });
  const [id] = evidence.assigned.values();
  expect(certificate.verdict).toBe("fail");
  expect(certificate.reasons).toEqual([`governance was given transaction ids ${String(id)}: this run wrote`]);
});

test("a phase that inserts and deletes one row on a connection it hides does not pass either", async () => {
  const certificate = await certify(async () => {
    const writer = await server.connect("workflow_admin");
    await writer.query(
      "begin; insert into public.dot_config values ('phase', 'x'); delete from public.dot_config where key = 'phase'; commit",
    );
    await writer.end();
    return [];
  });
  expect(certificate.verdict).toBe("inconclusive");
  expect(certificate.reasons.join("\n")).toContain("public.dot_config was written by somebody meanwhile: 2 rows");
});

test.each([
  [
    "an insert",
    "insert into sandbox_tac.unit_version values (99, 'X', 1, 'x')",
    "sandbox_tac.unit_version changed: 3 rows before, 4 after",
  ],
  ["an update", "update public.unit_version set heading_path = heading_path || '!'", "public.unit_version changed: 3 rows before, 3 after"],
  ["a truncate", "truncate sandbox_tac.unit_version", "sandbox_tac.unit_version changed: 4 rows before, 0 after"],
])("%s by somebody else is inconclusive, with the table named", async (_what, statement, reason) => {
  const certificate = await certify(async () => {
    const writer = await server.connect("workflow_admin");
    await writer.query(statement);
    await writer.end();
    return [];
  });
  expect(certificate.verdict).toBe("inconclusive");
  expect(certificate.reasons).toContain(reason);
});

test.each([
  [
    "one table's counters are set to zero",
    "select pg_stat_reset_single_table_counters('public.dot_config'::regclass)",
    "reset or lost meanwhile",
  ],
  ["all counters of the database are set to zero", "select pg_stat_reset()", "reset or lost meanwhile"],
  ["the shared statistics are reset, as a crash leaves them", "select pg_stat_reset_shared('bgwriter')", "reset or lost meanwhile"],
  ["counting is switched off for new sessions of the database", "alter database directus set track_counts = off", "track_counts was off"],
  [
    "counting is switched off for one role",
    "alter database directus reset track_counts; alter role directus set track_counts = off",
    "track_counts was off",
  ],
])("it is inconclusive, and says why, when %s", async (_what, statement, reason) => {
  const certificate = await certify(async () => {
    const admin = await server.connect("workflow_admin");
    await admin.query(statement);
    await admin.end();
    return [];
  });
  expect(certificate.verdict).toBe("inconclusive");
  expect(certificate.reasons.join("\n")).toContain(reason);
});

test("it is inconclusive after a crash of the server, which loses the counters", async () => {
  const certificate = await certify(async () => {
    const [victim, watcher] = [await server.connect("workflow_admin"), await server.connect("workflow_admin")];
    const { rows } = await victim.query<{ pid: number }>("select pg_backend_pid() as pid");
    const watcherGone = new Promise((resolve) => watcher.once("end", resolve));
    for (const client of [victim, watcher]) client.on("error", () => undefined);
    for (const { pid } of rows) process.kill(pid, "SIGKILL");
    await watcherGone; // the server ends every session, recovers and begins its statistics anew
    await expect
      .poll(
        () =>
          server.connect("workflow_admin").then(
            async (client) => client.end().then(() => "up"),
            () => "down",
          ),
        { timeout: 30_000 },
      )
      .toBe("up");
    return [];
  });
  expect(certificate.verdict).toBe("inconclusive");
  expect(certificate.reasons.join("\n")).toContain("reset or lost meanwhile");
}, 60_000);
