// The rollback runbook on a real PostgreSQL: retires what a run created, refuses when rows moved since, and passes the owner's SQL gate.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Client } from "pg";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

const runbook = readFileSync(resolve(import.meta.dirname, "../../sql/lifecycle/rollback_runbook.sql"), "utf8");
const body = "# One\n";
const sha256 = createHash("sha256").update(body).digest("hex");
let postgres: TestPostgres;
let admin: Client;

beforeAll(async () => {
  postgres = await startPostgres();
  admin = await postgres.connect("workflow_admin");
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  await admin.query("begin");
  return () => admin.query("rollback");
});

/** One unit with one version, as a run leaves it. */
async function createUnit(address: string, run: string, ordinal = 0, versionNo = 1): Promise<void> {
  await admin.query("insert into public.information_unit (canonical_address, doc_code, unit_kind, ordinal, lifecycle_state, content_sha256, created_by_run, last_run_id) values ($1, 'DOC', 'section', $2, 'enacted', $3, $4, $4)", [address, ordinal, sha256, run]);
  await admin.query(
    "with v as (insert into public.unit_version (unit_id, version_no, body, body_sha256, heading_path, byte_start, byte_end, source_version_id, run_id, idempotency_key) select id, $5, $2, $3, 'One', 0, 6, gen_random_uuid(), $4, $4 || ':' || ordinal from public.information_unit where canonical_address = $1 returning id, unit_id) update public.information_unit u set current_version_id = v.id from v where u.id = v.unit_id",
    [address, body, sha256, run, versionNo],
  );
}

const states = async () => (await admin.query("select canonical_address, lifecycle_state from public.information_unit where doc_code = 'DOC' order by canonical_address")).rows;

async function revert(run: string) {
  await admin.query("select set_config('cutter.run_id', $1, true)", [run]);
  const results = (await admin.query(runbook)) as unknown as readonly { readonly rows: readonly Record<string, unknown>[] }[];
  return results.at(-1)?.rows[0];
}

describe("the rollback runbook", () => {
  it("retires exactly the run's units, keeps their identities, and finds nothing left the second time", async () => {
    await createUnit("DOC/a", "R1", 0);
    await createUnit("DOC/b", "R1", 1);
    await createUnit("DOC/c", "R2", 0);
    expect(await revert("R1")).toMatchObject({ units_of_run: "2", still_standing: "0", reverts_logged: "2" });
    expect(await revert("R1")).toMatchObject({ units_of_run: "2", still_standing: "0", reverts_logged: "2" });
    expect(await states()).toEqual([
      { canonical_address: "DOC/a", lifecycle_state: "retired" },
      { canonical_address: "DOC/b", lifecycle_state: "retired" },
      { canonical_address: "DOC/c", lifecycle_state: "enacted" },
    ]);
  });

  it.each([
    ["REVERT_RUN_UNKNOWN", async () => undefined],
    ["REVERT_UNIT_MOVED_SINCE", async () => admin.query("update public.information_unit set last_run_id = 'R9' where doc_code = 'DOC'")],
    ["REVERT_UNIT_WAS_THERE_BEFORE", async () => admin.query("update public.unit_version set version_no = 2 where run_id = 'R1'")],
    ["REVERT_UNIT_ENACTED_BY_OTHERS", async () => admin.query("insert into public.iu_lifecycle_log (unit_id, from_state, to_state, run_id, idempotency_key) select id, 'draft', 'enacted', 'R9', 'R9:0' from public.information_unit where doc_code = 'DOC'")],
    ["REVERT_UNIT_HAS_FOREIGN_CHILD", async () => admin.query("insert into public.information_unit (canonical_address, doc_code, parent, unit_kind, ordinal, content_sha256, created_by_run, last_run_id) select 'DOC/a/b', 'DOC', id, 'section', 5, content_sha256, 'R9', 'R9' from public.information_unit where canonical_address = 'DOC/a'")],
  ])("refuses with %s and writes nothing", async (code, damage) => {
    if (code !== "REVERT_RUN_UNKNOWN") await createUnit("DOC/a", "R1");
    await damage();
    const before = await states();
    await admin.query("savepoint attempt");
    await expect(revert("R1")).rejects.toThrow(code);
    await admin.query("rollback to savepoint attempt");
    expect(await states()).toEqual(before);
  });

  it("refuses without a run id", async () => {
    const plain = await postgres.connect("workflow_admin");
    await expect(plain.query(runbook)).rejects.toThrow("cutter.run_id");
  });

  it("holds to the rules of the owner's SQL gate", () => {
    const statements = runbook.replace(/--[^\n]*/g, "");
    expect(statements).not.toMatch(/\b(drop|delete\s+from|truncate|begin|commit|rollback|abort|savepoint)\b/i);
    expect(statements).not.toMatch(/^\s*\\/m);
  });
});
