// What a login may not see: row security, another thing in a table's place, a table in front of it. Absence is refused then, never read as
// a fact.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "pg";
import { openRecorders } from "../../../../orchestrator/adapters/postgres/recorders.ts";
import { readContractFile } from "../../../../orchestrator/adapters/postgres/contract-file.ts";
import { openRevertDatabase } from "../../../../orchestrator/adapters/postgres/revert-database.ts";
import { toScopeTables } from "../../../../orchestrator/core/database/contract.ts";
import { hiddenTablesFile, parseHiddenRows, toHiddenRowsScript } from "../../../../orchestrator/core/database/hidden-rows-session.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import { readSql } from "../../../../orchestrator/adapters/postgres/sql-files.ts";
import type { ProductionDatabase } from "../../../../orchestrator/ports/database.ts";
import { cutDocument, type CutDocument } from "../../../support/database/cut-by-sql.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { openTestDatabase, toTestSettings } from "../../../support/database/production-database.ts";
import { makePermission } from "../../../support/write-permission.ts";

let server: TestPostgres;
let admin: Client;
let document: CutDocument;
beforeAll(async () => {
  server = await startPostgres();
  admin = await server.connect("workflow_admin");
  document = await cutDocument(server);
}, 60_000);
afterAll(() => server.stop());

/** `change`, then `look` with a database opened after it, then `undo`. */
async function whilePlanted<Result>(
  change: string,
  undo: string,
  look: (database: ProductionDatabase) => Promise<Result>,
): Promise<Result> {
  await admin.query(change);
  const database = openTestDatabase(server);
  try {
    return await look(database);
  } finally {
    await database.close();
    await admin.query(undo);
  }
}

const rowTables = ["public.information_unit", "public.iu_lifecycle_log", "public.unit_version"];
const securityOn = `alter role directus bypassrls; ${rowTables.map((name) => `alter table ${name} enable row level security`).join("; ")}`;
const disabled = rowTables.map((name) => `alter table ${name} disable row level security`);
const securityOff = `alter role directus nobypassrls; ${disabled.join("; ")}`;

/** As psql's login asks of others, before an approval for a revert is spent. */
async function ask(roles: readonly string[], tables: readonly string[] = [...rowTables, "public.dot_config"]) {
  const script = toHiddenRowsScript(readSql(hiddenTablesFile), roles, tables).replace(" \\g /dev/null", ";");
  const client = await server.connect("directus");
  const results = (await client.query(script)) as unknown as readonly { readonly rows: readonly Record<string, unknown>[] }[];
  await client.end();
  const rows = results.flatMap(({ rows: some }) => some).filter((row) => "jsonb_build_object" in row);
  return parseHiddenRows(JSON.stringify(rows[0]?.["jsonb_build_object"]));
}

const withReverts = async <Result>(work: (reverts: ReturnType<typeof openRevertDatabase>) => Promise<Result>): Promise<Result> => {
  const reader = toTestSettings(server).logins.context_pack_readonly;
  const reverts = openRevertDatabase({
    reader,
    revert: { ...reader, user: "cutter_revert", password: new Secret(server.passwords.cutter_revert) },
  });
  return work(reverts).finally(() => reverts.close());
};

describe("row security on the tables of units, with no policy for our logins", () => {
  it("each login says that it may not see all rows, and the contract says why", async () => {
    const { hidden, findings } = await whilePlanted(securityOn, securityOff, async (database) => ({
      hidden: await database.readHiddenTables(),
      findings: await database.readContractFindings(),
    }));
    const logins = ["context_pack_readonly", "cutter_exec", "cutter_verify", "governance"];
    expect(hidden.map(({ login, table, why }) => [login, table, why]).sort()).toEqual(
      logins.flatMap((login) => rowTables.map((table) => [login, table, "row security"])),
    );
    expect(findings.map(({ object, found }) => [object, found]).sort()).toEqual(
      rowTables.map((name) => [`row security of table ${name}`, "on"]),
    );
  });

  it("a digest, an address and a recorder are refused by name, never empty", async () => {
    await whilePlanted(securityOn, securityOff, async (database) => {
      const refused = { code: "DATABASE_ROWS_HIDDEN", facts: { login: "context_pack_readonly", sqlstate: "42501" } };
      await expect(database.readDocumentDigest(document.documentId, document.addresses)).rejects.toMatchObject(refused);
      await expect(database.readRegisteredDocuments()).rejects.toMatchObject(refused);
      const recorders = openRecorders(toTestSettings(server), null);
      await expect(recorders.readUnits(document.documentId, document.runId)).rejects.toMatchObject(refused);
      await expect(recorders.readAddresses(document.documentId, document.addresses)).rejects.toMatchObject(refused);
      await recorders.close();
      expect((await database.readTableCensus()).map(({ table }) => table)).not.toContain("public.information_unit");
    });
  });

  it("a revert does not find that nothing was created, and its transaction is refused too", async () => {
    await whilePlanted(securityOn, securityOff, () =>
      withReverts(async (reverts) => {
        await expect(reverts.readState(document.documentId, document.runId, null)).rejects.toMatchObject({
          code: "DATABASE_ROWS_HIDDEN",
          facts: { role: "context_pack_readonly", why: "row security" },
        });
        await expect(
          reverts.apply(makePermission(document.runId, "revert" as never).permission, {
            runId: document.runId,
            documentId: document.documentId,
            reviewDecisionId: randomUUID(),
            runbook: "select 1",
            expectedDigest: "0".repeat(64),
            plannedAddresses: document.addresses,
            expectedUnits: 3,
          }),
        ).rejects.toMatchObject({ code: "DATABASE_ROWS_HIDDEN", facts: { login: "revert principal" } });
      }),
    );
    expect(await withReverts((reverts) => reverts.readState(document.documentId, document.runId, null))).toMatchObject({ unitsOfRun: 3 });
  });
});

interface Change {
  readonly name: string;
  readonly change: string;
  readonly undo: string;
  readonly object: string; // its last word is the table
  readonly found: string;
  readonly whys: readonly string[]; // what each login says of its rows there
}

describe("what else can stand between a login and a row", () => {
  const unit = "public.information_unit";
  const changes: readonly Change[] = [
    {
      name: "a policy on a table whose row security is off",
      change: `create policy later on ${unit} using (false)`,
      undo: `drop policy later on ${unit}`,
      object: `row security of table ${unit}`,
      found: "policies later",
      whys: [],
    },
    {
      name: "row security that is forced upon the owner",
      change: `alter table ${unit} force row level security`,
      undo: `alter table ${unit} no force row level security`,
      object: `row security of table ${unit}`,
      found: "forced",
      whys: [],
    },
    {
      name: "row security without a policy",
      change: `alter table ${unit} enable row level security`,
      undo: `alter table ${unit} disable row level security`,
      object: `row security of table ${unit}`,
      found: "on",
      whys: ["row security"],
    },
    {
      name: "no table at all",
      change: "alter table public.dot_config rename to real_config",
      undo: "alter table public.real_config rename to dot_config",
      object: "table public.dot_config",
      found: "absent",
      whys: ["absent"],
    },
    {
      name: "a view in the table's place",
      change:
        "alter table public.dot_config rename to real_config; " +
        "create view public.dot_config as select * from public.real_config where false",
      undo: "drop view public.dot_config; alter table public.real_config rename to dot_config",
      object: "table public.dot_config",
      found: "a view",
      whys: ["not an ordinary table"],
    },
    {
      name: "a partitioned table in the table's place",
      change:
        "alter table public.dot_config rename to real_config; " +
        "create table public.dot_config (key text primary key, value text not null) partition by list (key)",
      undo: "drop table public.dot_config; alter table public.real_config rename to dot_config",
      object: "table public.dot_config",
      found: "a partitioned table",
      whys: ["not an ordinary table"],
    },
    {
      name: "a table that inherits, whose rows are shown with it and counted elsewhere",
      change: `create table public.child () inherits (${unit})`,
      undo: "drop table public.child",
      object: `table ${unit}`,
      found: "relatives public.child",
      whys: ["inheritance"],
    },
    {
      name: "a table that does not survive a crash",
      change: "alter table public.iu_lifecycle_log set unlogged",
      undo: "alter table public.iu_lifecycle_log set logged",
      object: "table public.iu_lifecycle_log",
      found: "unlogged",
      whys: [],
    },
    {
      name: "rights on columns instead of the table",
      change: `revoke select on ${unit} from context_pack_readonly;
        grant select (id, canonical_address) on ${unit} to context_pack_readonly`,
      undo: `revoke select (id, canonical_address) on ${unit} from context_pack_readonly; grant select on ${unit} to context_pack_readonly`,
      object: `right context_pack_readonly SELECT on table ${unit}`,
      found: "missing",
      whys: [],
    },
  ];

  it.each(changes)("$name is a finding of the contract", async ({ change, undo, object, found }) => {
    const findings = await whilePlanted(change, undo, (database) => database.readContractFindings());
    expect(findings.map((each) => [each.object, each.found])).toContainEqual([object, found]);
  });

  it.each(changes)("$name: each login says of itself what psql's login says of it", async ({ change, undo, object, whys }) => {
    const roles = ["context_pack_readonly", "cutter_exec", "cutter_verify", "directus_secdef"];
    const { own, asked } = await whilePlanted(change, undo, async (database) => ({
      own: (await database.readHiddenTables()).map(({ role, table, why }) => ({ role, table, why })),
      asked: await ask(roles, toScopeTables(readContractFile())),
    }));
    const table = object.split(" ").at(-1);
    expect(own).toEqual(roles.flatMap((role) => whys.map((why) => ({ role, table, why }))));
    expect(asked).toEqual({ in_recovery: false, hidden: own });
  });

  it("a table of the same name in an earlier schema, or a temporary one, is not looked at", async () => {
    const seen = await whilePlanted(
      `create schema shadow; create table shadow.pg_class (oid oid, relname name); grant usage on schema shadow to public;
       grant select on shadow.pg_class to public; create table shadow.information_unit ();
       alter database directus set search_path = shadow, pg_temp, public`,
      "alter database directus reset search_path; drop schema shadow cascade",
      async (database) => ({
        findings: await database.readContractFindings(),
        digest: await database.readDocumentDigest(document.documentId, document.addresses),
      }),
    );
    expect(seen.findings).toEqual([]);
    expect(seen.digest).toMatchObject({ unitCount: 3, plannedAddressesTaken: document.addresses.toSorted() });
  });

  it("a role that is told to become another one at login stays itself", async () => {
    await admin.query(
      "create role somebody; grant somebody to context_pack_readonly; alter role context_pack_readonly set role = somebody",
    );
    const database = openTestDatabase(server);
    expect(await database.readHiddenTables()).toEqual([]); // each asks as the role it logged in with, or is refused
    await database.close();
    await admin.query("alter role context_pack_readonly reset role; drop role somebody");
  });
});

describe("before an approval for a revert is spent", () => {
  it("psql's login tells which roles would not see every row", async () => {
    expect(await ask(["context_pack_readonly", "cutter_revert"])).toEqual({ in_recovery: false, hidden: [] });
    await admin.query(`${securityOn}; alter role cutter_revert bypassrls`);
    const answer = await ask(["context_pack_readonly", "cutter_revert", "workflow_admin"]);
    await admin.query(`${securityOff}; alter role cutter_revert nobypassrls`);
    expect(answer?.hidden).toEqual(rowTables.map((table) => ({ role: "context_pack_readonly", table, why: "row security" })));
  });

  it("a role that does not exist sees nothing", async () => {
    const hidden = [...rowTables, "public.dot_config"].map((table) => ({ role: "it's \\ nobody", table, why: "no such role" }));
    expect(await ask(["it's \\ nobody", "cutter_revert"])).toEqual({ in_recovery: false, hidden });
  });

  it("the owner is exempt until it is forced upon him", async () => {
    await admin.query(
      "create role keeper; alter table public.dot_config owner to keeper; alter table public.dot_config enable row level security",
    );
    const exempt = await ask(["keeper"]);
    await admin.query("alter table public.dot_config force row level security");
    const forced = await ask(["keeper"]);
    await admin.query(`alter table public.dot_config no force row level security; alter table public.dot_config disable row level security;
      alter table public.dot_config owner to workflow_admin; drop role keeper`);
    expect(exempt?.hidden).toEqual([]);
    expect(forced?.hidden).toEqual([{ role: "keeper", table: "public.dot_config", why: "row security" }]);
  });

  it.each(["", "psql: error: no", '{"hidden": []}'])("an answer of another shape is none: %j", (said) => {
    expect(parseHiddenRows(said)).toBeNull();
  });
});
