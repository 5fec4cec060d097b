// Forbidden actions are tried without risk, and a planted right is found even where the catalogue's has_* functions or a WHERE would miss
// it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "pg";
import type { ForbiddenProbe, ProductionDatabase } from "../../../../orchestrator/ports/database.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { openTestDatabase } from "../../../support/database/production-database.ts";

let server: TestPostgres;
let admin: Client;
let database: ProductionDatabase;

beforeAll(async () => {
  server = await startPostgres();
  admin = await server.connect("workflow_admin");
  database = openTestDatabase(server);
}, 60_000);
afterAll(async () => {
  await database.close();
  await server.stop();
});

const open = (probes: readonly ForbiddenProbe[]): readonly string[] =>
  probes.filter(({ refused }) => !refused).map(({ login, action, sqlState }) => `${login}: ${action} (${String(sqlState)})`);

test("on the substrate everything that no role needs is refused with 42501", async () => {
  const probes = await database.probeForbiddenActions();
  expect(open(probes)).toEqual([]);
  expect(new Set(probes.map(({ sqlState }) => sqlState))).toEqual(new Set(["42501"]));
  // 12 tables × 3 verbs + 2 functions for each of 4 logins, less what they need: 2 functions, 1 insert, 4 inserts
  expect(probes).toHaveLength(4 * (12 * 3 + 2) - 2 - 1 - 4);
  expect(probes.map(({ login, action }) => `${login}: ${action}`)).toContain("cutter_exec: insert into public.information_unit");
  expect(probes.map(({ login, action }) => `${login}: ${action}`)).not.toContain(
    "cutter_verify: insert into cutter_governance.verify_result",
  );
});

const planted: readonly { readonly what: string; readonly plant: string; readonly undo: string; readonly found: string }[] = [
  {
    what: "INSERT",
    plant: "grant insert on public.information_unit to cutter_exec",
    undo: "revoke insert on public.information_unit from cutter_exec",
    found: "cutter_exec: insert into public.information_unit (null)",
  },
  {
    what: "INSERT into one column",
    plant: "grant insert (body) on public.unit_version to cutter_exec",
    undo: "revoke insert (body) on public.unit_version from cutter_exec",
    found: "cutter_exec: insert into public.unit_version (null)",
  },
  {
    what: "UPDATE of one column without SELECT",
    plant: "grant update (heading_path) on public.unit_version to cutter_exec",
    undo: "revoke update (heading_path) on public.unit_version from cutter_exec",
    found: "cutter_exec: update public.unit_version (null)",
  },
  {
    what: "DELETE without SELECT",
    plant: "grant delete on cutter_governance.verify_result to cutter_verify",
    undo: "revoke delete on cutter_governance.verify_result from cutter_verify",
    found: "cutter_verify: delete from cutter_governance.verify_result (null)",
  },
  {
    what: "a write for the read-only login, through a role",
    plant: "create role writer; grant insert on public.dot_config to writer; grant writer to context_pack_readonly",
    undo: "revoke writer from context_pack_readonly; revoke insert on public.dot_config from writer; drop role writer",
    found: "context_pack_readonly: insert into public.dot_config (null)",
  },
  {
    what: "a write for PUBLIC",
    plant: "grant delete on cutter_governance.review_decision to public",
    undo: "revoke delete on cutter_governance.review_decision from public",
    found: "governance: delete from cutter_governance.review_decision (null)",
  },
  {
    what: "EXECUTE of a canonical function for PUBLIC",
    plant:
      "grant usage on schema public to cutter_verify; grant execute on function public.fn_iu_enact(text, text, text, text, " +
      "uuid, uuid) to public",
    undo:
      "revoke usage on schema public from cutter_verify; revoke execute on function public.fn_iu_enact(text, text, text, text, " +
      "uuid, uuid) from public",
    found: "cutter_verify: execute public.fn_iu_enact (null)",
  },
  {
    what: "writes into the decoy",
    plant: "grant usage on schema sandbox_tac to cutter_exec; grant update on sandbox_tac.unit_version to cutter_exec",
    undo: "revoke usage on schema sandbox_tac from cutter_exec; revoke update on sandbox_tac.unit_version from cutter_exec",
    found: "cutter_exec: update sandbox_tac.unit_version (null)",
  },
];

describe("a planted right is found, and using the probe changed nothing", () => {
  test.each(planted)("$what", async ({ plant, undo, found }) => {
    const before = await database.readTableCensus();
    await admin.query(plant);
    try {
      expect(open(await database.probeForbiddenActions())).toContain(found);
    } finally {
      await admin.query(undo);
    }
    expect(open(await database.probeForbiddenActions())).toEqual([]);
    expect(await database.readTableCensus()).toEqual(before);
    expect(database.connectionEvidence().flatMap(({ transactionIdsAssigned }) => transactionIdsAssigned)).toEqual([]);
  });
});

test("as cutter_exec the governance principal shares its functions but not its tables beyond the four", async () => {
  await admin.query(
    "grant usage on schema cutter_governance to cutter_exec; grant select, insert on cutter_governance.review_decision, " +
      "cutter_governance.cut_change_set, cutter_governance.manifest_envelope, cutter_governance.dot_pair_signature to " +
      "cutter_exec",
  );
  const { openProductionDatabase } = await import("../../../../orchestrator/adapters/postgres/production-database.ts");
  const { toTestSettings } = await import("../../../support/database/production-database.ts");
  const { logins } = toTestSettings(server);
  const shared = openProductionDatabase({ logins: { ...logins, governance: logins.cutter_exec } }, "cutter_exec");
  try {
    expect(open(await shared.probeForbiddenActions())).toEqual([]);
    expect(await shared.readContractFindings()).toEqual([]);
  } finally {
    await shared.close();
    await admin.query(
      "revoke all on all tables in schema cutter_governance from cutter_exec; revoke usage on schema cutter_governance from cutter_exec",
    );
  }
});
