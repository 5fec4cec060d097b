// A key that is there and checks nothing is a finding of the contract: not enforced, not validated, its triggers off, its index invalid.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Client } from "pg";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { openTestDatabase } from "../../../support/database/production-database.ts";

let server: TestPostgres;
let admin: Client;
beforeAll(async () => {
  server = await startPostgres();
  admin = await server.connect("workflow_admin");
}, 60_000);
afterAll(() => server.stop());

async function findingsWhile(
  change: string,
  undo: string,
): Promise<readonly (readonly [object: string, expected: string, found: string])[]> {
  await admin.query(change);
  const database = openTestDatabase(server);
  try {
    return (await database.readContractFindings()).map(({ object, expected, found }) => [object, expected, found]);
  } finally {
    await database.close();
    await admin.query(undo);
  }
}

const table = "public.unit_version";
const foreign = "unit_version_unit_id_fkey";
const foreignText = "foreign key (unit_id) to public.information_unit";
const indexesOf = (valid: boolean): string =>
  `update pg_index set indisvalid = ${String(valid)} where indrelid = '${table}'::regclass and not indisprimary`;

it("finds nothing as things are", async () => {
  expect(await findingsWhile("select 1", "select 1")).toEqual([]);
});

it.each([
  ["D", "disabled", "disable trigger all"],
  ["R", "for replicas only", `enable replica trigger %`],
])("names each constraint whose own triggers are switched off (%s)", async (_mode, state, how) => {
  const { rows } = await admin.query<{ tgname: string }>(
    `select tgname from pg_trigger where tgisinternal and tgrelid = '${table}'::regclass`,
  );
  const change = how.includes("%")
    ? rows.map(({ tgname }) => `alter table ${table} ${how.replace("%", `"${tgname}"`)}`).join("; ")
    : `alter table ${table} ${how}`;
  const findings = await findingsWhile(change, `alter table ${table} enable trigger all`);
  expect(findings).toContainEqual([`constraint ${foreign} of table ${table}`, "enforced", `triggers on ${table} ${state}`]);
  expect(new Set(findings.map((finding) => finding.join())).size).toBe(findings.length);
});

it("names a foreign key that is not enforced, and one that was never validated", async () => {
  const notEnforced = await findingsWhile(
    `alter table ${table} alter constraint ${foreign} not enforced`,
    `alter table ${table} alter constraint ${foreign} enforced`,
  );
  expect(notEnforced).toEqual([[`table ${table}`, foreignText, "not enforced, not validated"]]);
  const notValidated = await findingsWhile(
    `alter table ${table} drop constraint ${foreign};
     alter table ${table} add constraint ${foreign} foreign key (unit_id) references public.information_unit not valid`,
    `alter table ${table} validate constraint ${foreign}`,
  );
  expect(notValidated).toEqual([[`table ${table}`, foreignText, "not validated"]]);
});

it("names unique keys whose index is not valid", async () => {
  expect(await findingsWhile(indexesOf(false), indexesOf(true))).toEqual([
    [`table ${table}`, "unique key (idempotency_key)", "without a valid index"],
    [`table ${table}`, "unique key (unit_id, version_no)", "without a valid index"],
  ]);
});

it("takes a key for in force when another one like it is", async () => {
  const findings = await findingsWhile(
    `alter table ${table} add constraint beside foreign key (unit_id) references public.information_unit not valid`,
    `alter table ${table} drop constraint beside`,
  );
  expect(findings).toEqual([]);
});
