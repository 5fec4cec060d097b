// Servers that are not what they should be: the password never leaves, and a silent line ends at its deadline.
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "pg";
import { openReadConnection, ReadConnection } from "../../../../orchestrator/adapters/postgres/connection.ts";
import type { EvidenceLog } from "../../../../orchestrator/adapters/postgres/evidence.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";

const password = "a-password-that-must-not-travel";
let real: TestPostgres;
let server: Server | null = null;
const sockets: Socket[] = [];

beforeAll(async () => {
  real = await startPostgres();
}, 60_000);
afterAll(async () => {
  await real.stop();
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
  server = null;
});

/** A server that answers the client's nth message with the nth reply; gives back everything it heard. */
async function startScripted(replies: readonly Buffer[]): Promise<{ readonly port: number; heard(): Buffer }> {
  const heard: Buffer[] = [];
  const listening = createServer((socket) => {
    sockets.push(socket);
    let turn = 0;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      heard.push(bytes);
      const reply = replies[turn++];
      if (reply !== undefined) socket.write(reply);
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, heard: () => Buffer.concat(heard) };
}

const settings = (port: number) => ({
  host: "127.0.0.1",
  port,
  database: "directus",
  user: "cutter_exec",
  password: new Secret(password),
  sslMode: "disable" as const,
});
const log = (): EvidenceLog => ({ login: "cutter_exec", transactions: 0, assigned: new Map() });

function toAuthentication(kind: number, rest: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.write("R");
  head.writeInt32BE(8 + rest.length, 1);
  head.writeInt32BE(kind, 5);
  return Buffer.concat([head, rest]);
}

const cleartext = toAuthentication(3);
const md5 = toAuthentication(5, Buffer.from("salt"));
const sasl = toAuthentication(10, Buffer.from("SCRAM-SHA-256\0\0"));

describe("a server that asks for the password itself is not answered", () => {
  test.each([
    ["cleartext", [cleartext], "cleartext"],
    ["MD5", [md5], "md5"],
    ["cleartext after it announced SCRAM", [sasl, cleartext], "cleartext"],
    ["MD5 after it announced SCRAM", [sasl, md5], "md5"],
  ] as const)("%s", async (_what, replies, asked) => {
    const scripted = await startScripted(replies);
    await expect(openReadConnection(settings(scripted.port), log(), 5_000)).rejects.toMatchObject({
      code: "DATABASE_AUTH_REFUSED",
      facts: { server_asked_for: asked },
    });
    expect(scripted.heard().toString("latin1")).not.toContain(password);
    expect(scripted.heard().toString("latin1")).not.toMatch(/md5[0-9a-f]{32}/);
  });
});

test("the environment's PG* variables change nothing", async () => {
  const before = { ...process.env };
  Object.assign(process.env, {
    PGHOST: "192.0.2.1",
    PGPORT: "1",
    PGUSER: "evil",
    PGDATABASE: "evil",
    PGPASSWORD: "evil",
    PGOPTIONS: "-c search_path=evil -c default_transaction_read_only=off",
    PGSSLMODE: "require",
    PGAPPNAME: "evil",
    PGREPLICATION: "database",
    PGCLIENT_ENCODING: "LATIN1",
    PGSSLNEGOTIATION: "direct",
    PGBINARY: "1",
    PGCONNECT_TIMEOUT: "0",
  });
  try {
    const connection = await openReadConnection({ ...settings(real.port), password: new Secret(real.passwords.cutter_exec) }, log(), 5_000);
    const limits = { lockTimeoutMs: 1_000, statementTimeoutMs: 1_000, idleTimeoutMs: 1_000, deadlineMs: 10_000 };
    const [row] = await connection.read(limits, (transaction) =>
      transaction.query(
        "test",
        [],
        "select current_user::text as who, current_setting('search_path') as path, current_setting('application_name') as name, " +
          "current_setting('client_encoding') as encoding, current_setting('default_transaction_read_only') as read_only, " +
          "current_setting('lock_timeout') as lock_timeout",
      ),
    );
    expect(row).toEqual({
      who: "cutter_exec",
      path: "pg_catalog,pg_temp",
      name: "cutter",
      encoding: "UTF8",
      read_only: "on",
      lock_timeout: "1s",
    });
    await connection.close();
  } finally {
    process.env = before;
  }
});

test("a server that never answers is given up at the connect timeout", async () => {
  const scripted = await startScripted([]);
  await expect(openReadConnection(settings(scripted.port), log(), 300)).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
});

test("a statement that takes too long, a cut line and a silent one have their codes, and what is unknown stays unknown", async () => {
  const evidence = log();
  const open = () => openReadConnection({ ...settings(real.port), password: new Secret(real.passwords.cutter_exec) }, evidence, 5_000);
  const limits = { lockTimeoutMs: 1_000, statementTimeoutMs: 600, idleTimeoutMs: 5_000, deadlineMs: 10_000 };
  const connection = await open();
  await expect(connection.read(limits, (transaction) => transaction.query("test", [], "select pg_sleep(30)"))).rejects.toMatchObject({
    code: "DATABASE_TIMEOUT",
    facts: { sqlstate: "57014" },
  });
  expect([...evidence.assigned.values()]).toEqual([]); // the failed transaction still answered
  await expect(connection.read(limits, (transaction) => transaction.query("test", [], "select 1/0"))).rejects.toMatchObject({
    code: "DATABASE_QUERY_FAILED",
    facts: { sqlstate: "22012" },
  });

  const deaf = { ...limits, statementTimeoutMs: 60_000, deadlineMs: 300 };
  await expect(connection.read(deaf, (transaction) => transaction.query("test", [], "select pg_sleep(30)"))).rejects.toMatchObject({
    code: "DATABASE_UNREACHABLE",
  });
  await connection.lost;
  expect([...evidence.assigned.values()]).toEqual(["unknown"]);

  const second = await open();
  const admin = await real.connect("workflow_admin");
  const cut = second.read({ ...limits, statementTimeoutMs: 60_000 }, async (transaction) => {
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'cutter_exec'");
    return await transaction.query("test", [], "select 1");
  });
  await expect(cut).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
});

test("a transaction that was given an id says so even when it was rolled back", async () => {
  const evidence: EvidenceLog = { login: "governance", transactions: 0, assigned: new Map() };
  const connection = await openReadConnection(
    { ...settings(real.port), user: "workflow_admin", password: new Secret(real.passwords.workflow_admin) },
    evidence,
    5_000,
  );
  const limits = { lockTimeoutMs: 1_000, statementTimeoutMs: 5_000, idleTimeoutMs: 5_000, deadlineMs: 10_000 };
  await connection.read(limits, async (transaction) => {
    await transaction.query("test", [], "select txid_current()"); // assigns an id, even inside READ ONLY
  });
  const failing = connection.read(limits, async (transaction) => {
    await transaction.query("test", [], "select txid_current()");
    throw new Error("the phase stops here");
  });
  await expect(failing).rejects.toThrow("the phase stops here");
  expect(evidence.transactions).toBe(2);
  expect([...evidence.assigned.values()]).toEqual([expect.stringMatching(/^[0-9]+$/), expect.stringMatching(/^[0-9]+$/)]);
  await expect(
    connection.read(limits, (transaction) => transaction.query("test", [], "insert into public.dot_config values ('a', 'b')")),
  ).rejects.toMatchObject({ code: "DATABASE_QUERY_FAILED", facts: { sqlstate: "25006" } });
  await connection.close();
});

test("a COMMIT that the server answers with ROLLBACK is not taken for one", async () => {
  const answers = {
    query: (text: string) => Promise.resolve({ command: text === "commit" ? "ROLLBACK" : "SELECT", rows: [{ id: null }] }),
    once: () => undefined,
  };
  const place = { databaseOid: "5", serverStartedAt: "2026-11-22T10:00:00.000000Z" };
  const open = { client: answers as unknown as Client, place, destroy: () => undefined, cause: () => null };
  const connection = new ReadConnection(open, log());
  const limits = { lockTimeoutMs: 1, statementTimeoutMs: 1, idleTimeoutMs: 1, deadlineMs: 1_000 };
  await expect(connection.read(limits, () => Promise.resolve("read"))).rejects.toMatchObject({
    code: "DATABASE_COMMIT_REFUSED",
    facts: { tag: "ROLLBACK" },
  });
});
