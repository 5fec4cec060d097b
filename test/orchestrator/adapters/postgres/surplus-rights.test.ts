// Principals with more rights than their duties, by planted grants on a real server: each is seen, and what the grants files give is no
// surplus.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "pg";
import { toMatrixPrincipals, toPrincipalsSetting } from "../../../../orchestrator/core/database/grant-matrix.ts";
import { readSql } from "../../../../orchestrator/adapters/postgres/sql-files.ts";
import { toSurplusRights } from "../../../../orchestrator/core/database/surplus-rights.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";

const config = { governance_principal: "directus_secdef", revert_principal: "cutter_revert" } as const;
let server: TestPostgres;
let admin: Client;
beforeAll(async () => {
  server = await startPostgres();
  admin = await server.connect("workflow_admin");
});
afterAll(() => server.stop());

async function readSurplus(pinned: Parameters<typeof toSurplusRights>[1] = config) {
  await admin.query("select set_config('cutter.principals', $1, false)", [toPrincipalsSetting(toMatrixPrincipals(pinned))]);
  const { rows } = await admin.query<{ line: string }>(readSql("phases/grant_probe/grant-matrix.sql"));
  return toSurplusRights(rows.map(({ line }) => `${line}\n`).join(""), pinned);
}

it("finds none in the programme's own world", async () => {
  expect(await readSurplus()).toEqual([]);
});

it("finds none when cutter_exec is the governance principal, with its grants file applied", async () => {
  const file = (name: string): string => readFileSync(new URL(`../../../../sql/grants/${name}`, import.meta.url), "utf8");
  await admin.query(file("cutter_exec.sql"));
  expect(await readSurplus({ ...config, governance_principal: "cutter_exec" })).toEqual([]);
  expect((await readSurplus()).map(({ principal }) => principal)).toEqual(["cutter_exec"]); // where it is not, the same rights are too many
  await admin.query(file("cutter_exec.rollback.sql"));
});

describe("a planted right", () => {
  it.each([
    [
      "cutter_exec",
      "grant insert on public.information_unit to cutter_exec",
      "revoke insert on public.information_unit from cutter_exec",
      /insert on table public\.information_unit/,
    ],
    [
      "cutter_exec",
      "grant execute on function public.fn_iu_enact to cutter_exec with grant option",
      "revoke grant option for execute on function public.fn_iu_enact from cutter_exec",
      /with grant option/,
    ],
    [
      "cutter_verify",
      "grant update (verdict) on cutter_governance.verify_result to cutter_verify",
      "revoke update (verdict) on cutter_governance.verify_result from cutter_verify",
      /update on column/,
    ],
    [
      "context_pack_readonly",
      "grant insert on public.dot_config to context_pack_readonly",
      "revoke insert on public.dot_config from context_pack_readonly",
      /insert on table public\.dot_config/,
    ],
    [
      "cutter_ro",
      "grant select on public.dot_config to cutter_ro",
      "revoke select on public.dot_config from cutter_ro",
      /select on table public\.dot_config/,
    ],
    [
      "directus_secdef",
      "grant delete on cutter_governance.review_decision to directus_secdef",
      "revoke delete on cutter_governance.review_decision from directus_secdef",
      /delete on table/,
    ],
    [
      "cutter_revert",
      "grant update on public.information_unit to cutter_revert",
      "revoke update on public.information_unit from cutter_revert; grant update (lifecycle_state, updated_at) on " +
        "public.information_unit to cutter_revert",
      /update on table public\.information_unit/,
    ],
    ["cutter_verify", "alter role cutter_verify createrole", "alter role cutter_verify nocreaterole", /createrole/],
    [
      "cutter_exec",
      "grant pg_read_all_data to cutter_exec",
      "revoke pg_read_all_data from cutter_exec",
      /^member cutter_exec of pg_read_all_data/,
    ],
    [
      "cutter_exec",
      "create table public.planted (); alter table public.planted owner to cutter_exec",
      "drop table public.planted",
      /^owner cutter_exec of table public\.planted/,
    ],
    [
      "directus_secdef",
      "alter default privileges in schema public grant insert on tables to directus_secdef",
      "alter default privileges in schema public revoke insert on tables from directus_secdef",
      /^default insert/,
    ],
  ])("of %s is a surplus: %s", async (principal, plant, remove, line) => {
    await admin.query(plant);
    const surplus = await readSurplus();
    await admin.query(remove);
    expect(surplus.map((found) => found.principal)).toEqual([principal]);
    expect(surplus[0]?.lines.join("\n")).toMatch(line);
    expect(await readSurplus()).toEqual([]);
  });
});
