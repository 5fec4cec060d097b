// The effective grant matrix on a real server: each planted right shows as a line, and nothing that means no right does.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "pg";
import type { ProductionDatabase } from "../../../../orchestrator/ports/database.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { openTestDatabase } from "../../../support/database/production-database.ts";

const principals = ["context_pack_readonly", "cutter_exec", "cutter_ro", "cutter_verify", "directus_secdef"];
const createSignature = "text, text, text, text, text, text, integer, text, text, text, bigint, bigint, uuid, uuid, uuid";

let server: TestPostgres;
let admin: Client;
let database: ProductionDatabase;
let clean: string;

beforeAll(async () => {
  server = await startPostgres();
  admin = await server.connect("workflow_admin");
  database = openTestDatabase(server);
  clean = (await database.readGrantMatrix(principals)).text;
}, 60_000);
afterAll(async () => {
  await database.close();
  await server.stop();
});

async function readAddedLines(): Promise<readonly string[]> {
  const before = new Set(clean.split("\n"));
  return (await database.readGrantMatrix(principals)).text.split("\n").filter((line) => !before.has(line));
}

const planted: readonly { readonly what: string; readonly plant: string; readonly undo: string; readonly line: string }[] = [
  {
    what: "a table right",
    plant: "grant update on public.unit_version to cutter_exec",
    undo: "revoke update on public.unit_version from cutter_exec",
    line: "grant update on table public.unit_version to cutter_exec",
  },
  {
    what: "a right on one column",
    plant: "grant update (body) on public.unit_version to cutter_verify",
    undo: "revoke update (body) on public.unit_version from cutter_verify",
    line: "grant update on column public.unit_version.body to cutter_verify",
  },
  {
    what: "a grant option",
    plant: "grant select on public.dot_config to cutter_exec with grant option",
    undo: "revoke select on public.dot_config from cutter_exec",
    line: "grant select on table public.dot_config to cutter_exec with grant option",
  },
  {
    what: "EXECUTE for PUBLIC",
    plant: `grant execute on function public.fn_iu_create(${createSignature}) to public`,
    undo: `revoke execute on function public.fn_iu_create(${createSignature}) from public`,
    line: "to PUBLIC",
  },
  {
    what: "a new function, which PUBLIC may execute without any grant",
    plant: "create function public.fn_new() returns int language sql security definer as 'select 1'",
    undo: "drop function public.fn_new()",
    line: "grant execute on security definer function public.fn_new() to PUBLIC",
  },
  {
    what: "a membership",
    plant: "grant directus_secdef to cutter_exec",
    undo: "revoke directus_secdef from cutter_exec",
    line: "member cutter_exec of directus_secdef",
  },
  {
    what: "a membership that neither inherits nor allows SET, but ADMIN",
    plant: "grant directus_secdef to cutter_ro with admin option, inherit false, set false",
    undo: "revoke directus_secdef from cutter_ro",
    line: "member cutter_ro of directus_secdef with admin",
  },
  {
    what: "somebody who can become a principal",
    plant: "grant cutter_exec to directus",
    undo: "revoke cutter_exec from directus",
    line: "member directus of cutter_exec",
  },
  {
    what: "a predefined role that is reached",
    plant: "grant pg_write_all_data to cutter_verify",
    undo: "revoke pg_write_all_data from cutter_verify",
    line: "role pg_write_all_data nologin",
  },
  {
    what: "a role attribute",
    plant: "alter role cutter_exec createrole",
    undo: "alter role cutter_exec nocreaterole",
    line: "role cutter_exec login createrole",
  },
  {
    what: "ownership",
    plant: "alter table sandbox_tac.unit_version owner to cutter_verify",
    undo: "alter table sandbox_tac.unit_version owner to workflow_admin",
    line: "owner cutter_verify of table sandbox_tac.unit_version",
  },
  {
    what: "a right on a system function beyond the initial one",
    plant: "grant execute on function pg_catalog.pg_ls_waldir() to cutter_exec",
    undo: "revoke execute on function pg_catalog.pg_ls_waldir() from cutter_exec",
    line: "to cutter_exec",
  },
  {
    what: "CREATE in schema public",
    plant: "grant create on schema public to public",
    undo: "revoke create on schema public from public",
    line: "grant create on schema public to PUBLIC",
  },
  {
    what: "a right on the database",
    plant: "grant temporary on database directus to cutter_exec",
    undo: "revoke temporary on database directus from cutter_exec",
    line: "grant temporary on database directus to cutter_exec",
  },
  {
    what: "another database that PUBLIC may enter",
    plant: "create database other",
    undo: "drop database other",
    line: "grant connect on database other to PUBLIC",
  },
  {
    what: "default privileges",
    plant: "alter default privileges in schema public grant insert on tables to cutter_exec",
    undo: "alter default privileges in schema public revoke insert on tables from cutter_exec",
    line: "default insert on tables in public made by workflow_admin to cutter_exec",
  },
  {
    what: "a server parameter",
    plant: "grant set on parameter log_statement to cutter_exec",
    undo: "revoke set on parameter log_statement from cutter_exec",
    line: "grant set on parameter log_statement to cutter_exec",
  },
  {
    what: "a large object",
    plant: "select lo_create(424242); grant select on large object 424242 to cutter_ro",
    undo: "select lo_unlink(424242)",
    line: "grant select on large object 424242 to cutter_ro",
  },
  {
    what: "a foreign server",
    plant:
      "create foreign data wrapper nothing; create server nowhere foreign data wrapper nothing; grant usage on foreign server " +
      "nowhere to cutter_exec",
    undo: "drop foreign data wrapper nothing cascade",
    line: "grant usage on foreign server nowhere to cutter_exec",
  },
  {
    what: "a name with a line break",
    plant: 'create table public."a\nb" (x int); grant select on public."a\nb" to cutter_ro',
    undo: 'drop table public."a\nb"',
    line: 'grant select on table public."a\\nb" to cutter_ro',
  },
  { what: "an extension", plant: "create extension pgcrypto", undo: "drop extension pgcrypto", line: "extension pgcrypto" },
];

describe("each planted right shows, and is gone when it is taken back", () => {
  test.each(planted)("$what", async ({ plant, undo, line }) => {
    await admin.query(plant);
    try {
      const added = await readAddedLines();
      expect(
        added.some((each) => each.includes(line)),
        added.join("\n"),
      ).toBe(true);
    } finally {
      await admin.query(undo);
    }
    expect((await database.readGrantMatrix(principals)).text).toBe(clean);
  });
});

test("an extension's own functions are one line, not one each, so that its next version changes nothing", async () => {
  await admin.query("create extension btree_gist");
  try {
    expect(await readAddedLines()).toEqual(["extension btree_gist"]);
  } finally {
    await admin.query("drop extension btree_gist");
  }
});

test("what PUBLIC may do by initdb is not in the matrix", () => {
  expect(clean).not.toContain("pg_catalog.pg_");
  expect(clean).not.toContain("information_schema");
  expect(clean).not.toContain("PUBLIC");
});

test("the substrate gives cutter_exec two functions and nothing else, and cutter_ro nothing", () => {
  const lines = clean.split("\n");
  expect(lines.filter((line) => line.endsWith(" to cutter_exec")).map((line) => line.split("(")[0])).toEqual([
    "grant connect on database directus to cutter_exec",
    "grant execute on security definer function public.fn_iu_create",
    "grant execute on security definer function public.fn_iu_enact",
    "grant usage on schema public to cutter_exec",
  ]);
  expect(lines.filter((line) => line.includes("cutter_ro"))).toEqual(["role cutter_ro nologin"]);
});

test("lines are sorted by bytes, each ended by a line feed, and the sha is of exactly that text", async () => {
  const { text, sha256 } = await database.readGrantMatrix(principals);
  const lines = text.split("\n");
  expect(lines.pop()).toBe("");
  expect(lines).toEqual([...new Set(lines)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  const [row] = (await admin.query<{ sha: string }>("select encode(sha256(convert_to($1, 'UTF8')), 'hex') as sha", [text])).rows;
  expect(sha256).toBe(row?.sha);
});

test("the order of the principals does not matter, and a missing one is said to be absent", async () => {
  expect((await database.readGrantMatrix(principals.toReversed())).text).toBe(clean);
  expect((await database.readGrantMatrix(["cutter_exec", "nobody_here"])).text).toContain("role nobody_here absent\n");
});

test("a superuser among the principals is one line: it may do all", async () => {
  const { text } = await database.readGrantMatrix([...principals, "workflow_admin"]);
  expect(text.split("\n").filter((line) => line.includes("workflow_admin"))).toEqual([
    "role workflow_admin login superuser createrole createdb replication bypassrls",
  ]);
});
