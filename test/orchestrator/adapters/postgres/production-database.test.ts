// The database adapter against a real server: what it reads, that it writes nothing, and what it says when rights differ.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { tryLogin } from "../../../../orchestrator/adapters/postgres/try-login.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import type { ProductionDatabase } from "../../../../orchestrator/ports/database.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { openTestDatabase, toTestSettings } from "../../../support/database/production-database.ts";

const document = "knowledge/other/office-handbook.md";
const principals = ["context_pack_readonly", "cutter_exec", "cutter_ro", "cutter_verify", "directus_secdef"];

let server: TestPostgres;
let database: ProductionDatabase;

beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(async () => {
  await server.stop();
});
beforeEach(() => {
  database = openTestDatabase(server);
});
afterEach(async () => {
  await database.close();
});

/** Runs `change`, then `look`, then `undo`: the server is shared by the tests of this file. */
async function whilePlanted<Result>(change: string, undo: string, look: () => Promise<Result>): Promise<Result> {
  const admin = await server.connect("workflow_admin");
  await admin.query(change);
  try {
    return await look();
  } finally {
    await admin.query(undo);
    await admin.end();
  }
}

test("a login is tried by a real connection: let in, another password, and a silent port are told apart", async () => {
  const login = toTestSettings(server).logins.cutter_verify;
  expect(await tryLogin(login, "cutter_verify")).toBeNull();
  expect(await tryLogin({ ...login, password: new Secret("another") }, "cutter_verify")).toMatchObject({
    code: "DATABASE_LOGIN_REFUSED",
    facts: { login: "cutter_verify" },
  });
  expect((await tryLogin({ ...login, port: 1 }, "cutter_verify"))?.code).toBe("DATABASE_UNREACHABLE");
});

test("the server's facts are read", async () => {
  const facts = await database.readServerFacts();
  expect(facts).toMatchObject({ database: "directus", inRecovery: false, fsync: true, fullPageWrites: true });
  expect(facts.serverVersion).toMatch(/^18\.\d+$/);
  expect(facts.serverVersionNum).toBeGreaterThanOrEqual(180_000);
  expect(facts.systemIdentifier).toMatch(/^\d{15,}$/);
  expect(Math.abs(Date.parse(facts.now) - Date.now())).toBeLessThan(60_000);
});

test("a registered document has its rows and another has none", async () => {
  expect(await database.readRegistryRows(document)).toMatchObject({
    documentId: document,
    docCode: "office-handbook",
    registeredRevision: 1,
  });
  expect(await database.readRegistryRows("knowledge/other/nobody.md")).toBeNull();
});

test("the substrate fits the contract, rights included", async () => {
  expect(await database.readContractFindings()).toEqual([]);
});

test("every kind of difference from the contract is found and named", async () => {
  const objects = await whilePlanted(
    `alter table public.unit_version alter column byte_start type integer;
     alter table cutter_governance.review_decision drop constraint review_decision_source_document_id_phase_run_id_key;
     alter table cutter_governance.manifest_envelope add column seal text not null default '';
     alter table cutter_governance.manifest_envelope alter column seal drop default;
     alter function public.fn_iu_enact owner to directus;
     alter function public.fn_iu_create security invoker;
     revoke insert on cutter_governance.cut_change_set from directus_secdef`,
    `alter table public.unit_version alter column byte_start type bigint;
     alter table cutter_governance.review_decision add constraint review_decision_source_document_id_phase_run_id_key unique (source_document_id, phase, run_id);
     alter table cutter_governance.manifest_envelope drop column seal;
     alter function public.fn_iu_enact owner to workflow_admin;
     alter function public.fn_iu_create security definer;
     grant insert on cutter_governance.cut_change_set to directus_secdef`,
    async () => (await database.readContractFindings()).map(({ object }) => object),
  );
  expect(objects.sort()).toEqual([
    "column cutter_governance.manifest_envelope.seal",
    "column public.unit_version.byte_start",
    "function public.fn_iu_create",
    "function public.fn_iu_enact",
    "right directus_secdef INSERT on table cutter_governance.cut_change_set",
    "table cutter_governance.review_decision",
  ]);
});

test("a second function of the same name is a difference", async () => {
  const findings = await whilePlanted(
    "create function public.fn_iu_enact() returns jsonb language sql as 'select null::jsonb'",
    "drop function public.fn_iu_enact()",
    () => database.readContractFindings(),
  );
  expect(findings.map(({ object, expected }) => [object, expected])).toContainEqual(["function public.fn_iu_enact", "one signature"]);
});

test("the digest of a document sees its own rows and nobody else's", async () => {
  const before = await database.readDocumentDigest(document, ["office-handbook/new"]);
  expect(before).toMatchObject({ unitCount: 3, plannedAddressesTaken: [] });
  const others = await whilePlanted(
    "insert into public.information_unit (canonical_address, doc_code, unit_kind, ordinal, content_sha256, created_by_run, " +
      "last_run_id) values ('other/a', 'other', 'section', 0, repeat('a', 64), 'x', 'x')",
    "delete from public.information_unit where doc_code = 'other'",
    async () => [
      await database.readDocumentDigest(document, ["office-handbook/new"]),
      await database.readDocumentDigest(document, ["other/a"]),
    ],
  );
  expect(others[0]).toEqual(before);
  expect(others[1]?.plannedAddressesTaken).toEqual(["other/a"]);
  expect(others[1]?.sha256).not.toBe(before.sha256);
  const own = await whilePlanted(
    "update public.unit_version set body = body || ' ' where heading_path = 'Office'",
    "update public.unit_version set body = rtrim(body, ' ') where heading_path = 'Office'",
    () => database.readDocumentDigest(document, ["office-handbook/new"]),
  );
  expect(own.sha256).not.toBe(before.sha256);
  expect(await database.readDocumentDigest(document, ["office-handbook/new"])).toEqual(before);
});

test("a document id and addresses with quotes, braces and backslashes are data", async () => {
  const odd = `a'b"c\\d{e},f;$$g`;
  expect(await database.readDocumentDigest(odd, [odd, "", " ", "null"])).toMatchObject({ unitCount: 0, plannedAddressesTaken: [] });
});

test("the digest does not depend on settings of the role or the database", async () => {
  const before = [await database.readDocumentDigest(document, []), ...(await database.readTableCensus())].map(({ sha256 }) => sha256);
  const after = await whilePlanted(
    `alter role context_pack_readonly set timezone to 'Asia/Ho_Chi_Minh'; alter role context_pack_readonly set datestyle to 'SQL, DMY';
     alter role context_pack_readonly set bytea_output to 'escape'; alter database directus set extra_float_digits to '-5'; alter role context_pack_readonly set search_path to sandbox_tac`,
    "alter role context_pack_readonly reset all; alter database directus reset all",
    async () => {
      const other = openTestDatabase(server);
      try {
        return [await other.readDocumentDigest(document, []), ...(await other.readTableCensus())].map(({ sha256 }) => sha256);
      } finally {
        await other.close();
      }
    },
  );
  expect(after).toEqual(before);
});

test("the census counts every table of the contract and the decoy", async () => {
  const census = await database.readTableCensus();
  expect(census.map(({ table }) => table)).toContain("sandbox_tac.unit_version");
  expect(census).toHaveLength(12);
  expect(Object.fromEntries(census.map(({ table, rowCount }) => [table, rowCount]))).toMatchObject({
    "public.information_unit": 3,
    "public.unit_version": 3,
    "sandbox_tac.unit_version": 3,
    "cutter_governance.review_decision": 0,
  });
  expect(
    (await database.readTableCensus()).map(({ table, rowCount, sha256, modifications }) => [table, rowCount, sha256, modifications]),
  ).toEqual(census.map(({ table, rowCount, sha256, modifications }) => [table, rowCount, sha256, modifications]));
});

test("an insert that was deleted again leaves count and digest equal but moves the modification counter", async () => {
  const before = await database.readTableCensus();
  await whilePlanted("insert into public.dot_config values ('x', 'y')", "delete from public.dot_config where key = 'x'", () =>
    Promise.resolve(),
  );
  const after = await database.readTableCensus();
  const pick = (census: typeof before) => census.find(({ table }) => table === "public.dot_config");
  expect(pick(after)).toMatchObject({ rowCount: pick(before)?.rowCount, sha256: pick(before)?.sha256 });
  expect(BigInt(pick(after)?.modifications ?? 0) - BigInt(pick(before)?.modifications ?? 0)).toBe(2n);
});

test("everything the adapter does leaves no transaction id behind, and says so", async () => {
  await database.readServerFacts();
  await database.readContractFindings();
  await database.readTableCensus();
  await database.readGrantMatrix(principals);
  await database.probeForbiddenActions();
  await (await database.openSnapshot(document, [])).close();
  const evidence = database.connectionEvidence();
  expect(evidence.map(({ login }) => login).sort()).toEqual(["context_pack_readonly", "cutter_exec", "cutter_verify", "governance"]);
  for (const { transactions, transactionIdsAssigned } of evidence) {
    expect(transactions).toBeGreaterThan(0);
    expect(transactionIdsAssigned).toEqual([]);
  }
});

test("an exported snapshot keeps seeing the rows of its digest", async () => {
  const snapshot = await database.openSnapshot(document, []);
  const admin = await server.connect("workflow_admin");
  await admin.query("insert into public.dot_config values ('later', 'x')");
  const reader = await server.connect("directus");
  await reader.query("begin isolation level repeatable read read only");
  await reader.query(`set transaction snapshot '${snapshot.id}'`);
  expect((await reader.query("select * from public.dot_config where key = 'later'")).rows).toEqual([]);
  await reader.query("rollback");
  await admin.query("delete from public.dot_config where key = 'later'");
  expect(snapshot.id).toMatch(/^[0-9A-F]{8}-[0-9A-F]{8}-[0-9]+$/);
  await snapshot.close();
  await expect(reader.query(`begin isolation level repeatable read; set transaction snapshot '${snapshot.id}'`)).rejects.toMatchObject({
    code: "42704",
  }); // gone
});

test("without a pinned principal nothing is asked of the governance login", async () => {
  const unpinned = openTestDatabase(server, null);
  expect((await unpinned.probeForbiddenActions()).map(({ login }) => login)).not.toContain("governance");
  expect(await unpinned.readContractFindings()).toEqual([]);
  await unpinned.close();
});

test("a wrong password, a missing right and a missing database each have their code and show no secret", async () => {
  const { openProductionDatabase } = await import("../../../../orchestrator/adapters/postgres/production-database.ts");
  const { toTestSettings } = await import("../../../support/database/production-database.ts");
  const { Secret } = await import("../../../../orchestrator/core/host/secret.ts");
  const { logins } = toTestSettings(server);
  const withReadonly = (changes: Partial<typeof logins.context_pack_readonly>) =>
    openProductionDatabase({ logins: { ...logins, context_pack_readonly: { ...logins.context_pack_readonly, ...changes } } }, null);
  await expect(withReadonly({ password: new Secret("wrong-secret") }).readServerFacts()).rejects.toMatchObject({
    code: "DATABASE_LOGIN_REFUSED",
    message: expect.not.stringContaining("wrong-secret"),
  });
  await expect(withReadonly({ database: "nowhere" }).readServerFacts()).rejects.toMatchObject({ code: "DATABASE_MISSING" });
  await expect(withReadonly({ port: 1 }).readServerFacts()).rejects.toMatchObject({
    code: "DATABASE_UNREACHABLE",
    facts: { reason: "ECONNREFUSED" },
  });
  const asExec = withReadonly({ user: "cutter_exec", password: logins.cutter_exec.password });
  await expect(asExec.readTableCensus()).rejects.toMatchObject({ code: "DATABASE_RIGHT_MISSING", facts: { sqlstate: "42501" } });
  await asExec.close();
});

test("a lock held by others is given up after its limit, and the run may ask again", async () => {
  const admin = await server.connect("workflow_admin");
  await admin.query("begin; lock table cutter_governance.source_document_registry in access exclusive mode");
  await expect(database.readRegistryRows(document)).rejects.toMatchObject({
    code: "DATABASE_LOCKED",
    facts: { sqlstate: "55P03", statement: "phases/source_pin/registry-rows.sql" },
  });
  await admin.query("rollback");
  await admin.end();
  expect(await database.readRegistryRows(document)).not.toBeNull();
}, 20_000);

test("a table that was renamed is a contract finding, absent from the census, and has a code where it is read", async () => {
  await whilePlanted(
    "alter table cutter_governance.source_document_registry rename to moved",
    "alter table cutter_governance.moved rename to source_document_registry",
    async () => {
      expect((await database.readContractFindings()).map(({ object, found }) => [object, found])).toContainEqual([
        "table cutter_governance.source_document_registry",
        "absent",
      ]);
      expect((await database.readTableCensus()).map(({ table }) => table)).not.toContain("cutter_governance.source_document_registry");
      await expect(database.readRegistryRows(document)).rejects.toMatchObject({
        code: "DATABASE_OBJECT_MISSING",
        facts: { sqlstate: "42P01" },
      });
    },
  );
});

test("a principal that is pinned but has no login is said to be unset", async () => {
  const { openProductionDatabase } = await import("../../../../orchestrator/adapters/postgres/production-database.ts");
  const { toTestSettings } = await import("../../../support/database/production-database.ts");
  const unset = openProductionDatabase({ logins: { ...toTestSettings(server).logins, governance: null } }, "directus_secdef");
  await expect(unset.probeForbiddenActions()).rejects.toMatchObject({ code: "DATABASE_LOGIN_UNSET", facts: { login: "governance" } });
  await unset.close();
});

test("after the server cut the line, the next question opens a new one", async () => {
  await database.readServerFacts();
  const admin = await server.connect("workflow_admin");
  await admin.query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'cutter'");
  await admin.end();
  await database.readServerFacts().catch(() => undefined); // the driver may hear of the cut only now
  expect(await database.readServerFacts()).toMatchObject({ database: "directus" });
});
