// The scratch database on a real server: its digest is production's when its rows are, one run holds it at a time, and the reader cannot
// write there either.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openScratchDatabase } from "../../../../orchestrator/adapters/postgres/scratch-database.ts";
import { cutDocument } from "../../../support/database/cut-by-sql.ts";
import { openTestDatabase, toTestSettings } from "../../../support/database/production-database.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";

let server: TestPostgres;
let documentId: string;
let runId: string;
beforeAll(async () => {
  server = await startPostgres({ ownServer: "it makes databases" });
  ({ documentId, runId } = await cutDocument(server));
  const admin = await server.connect("workflow_admin", { database: "template1" });
  await admin.query("create database cutter_scratch template directus");
  await admin.query("create database bare_scratch owner directus");
  await admin.end();
});
afterAll(() => server.stop());

const open = (name = "cutter_scratch") => openScratchDatabase(name, toTestSettings(server).logins.context_pack_readonly);
const digestIn = (name?: string) => open(name).withLock((readDigest) => readDigest(documentId, ["X:1"]));

it("gives production's digest for the same rows, and another one for a row less", async () => {
  const production = openTestDatabase(server);
  const expected = (await production.readDocumentDigest(documentId, ["X:1"])).sha256;
  await production.close();
  expect(await digestIn()).toBe(expected);
  const admin = await server.connect("workflow_admin", { database: "cutter_scratch" });
  await admin.query("set session_replication_role = replica");
  const gone = await admin.query(
    "delete from public.iu_lifecycle_log where id = (select id from public.iu_lifecycle_log where run_id = $1 limit 1)",
    [runId],
  );
  expect(gone.rowCount).toBe(1);
  await admin.end();
  expect(await digestIn()).not.toBe(expected);
});

it("is held by one at a time, and free again when work fails", async () => {
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const holding = open().withLock(async () => {
    order.push("first in");
    entered.resolve();
    await first.promise;
    order.push("first out");
    throw new Error("the restore failed");
  });
  await entered.promise;
  const waiting = open().withLock(() => Promise.resolve(order.push("second in")));
  const admin = await server.connect("workflow_admin");
  await expect
    .poll(
      async () => (await admin.query("select count(*)::integer as waiting from pg_locks where locktype = 'advisory' and not granted")).rows,
    )
    .toEqual([{ waiting: 1 }]);
  first.resolve();
  await expect(holding).rejects.toThrow("the restore failed");
  await waiting;
  expect(order).toEqual(["first in", "first out", "second in"]);
  await admin.end();
});

it("is prepared by sql/scratch/prepare.sql, twice if need be, so that the reader sees what is made there later", async () => {
  const owner = await server.connect("directus", { database: "bare_scratch" });
  const prepare = readFileSync(resolve(import.meta.dirname, "../../../../sql/scratch/prepare.sql"), "utf8");
  await owner.query(prepare);
  await owner.query(prepare);
  await owner.query(
    "create table public.made_by_a_restore as select 7 as seven; create table cutter_governance.also_made as select 8 as eight",
  );
  const reader = await server.connect("context_pack_readonly", { database: "bare_scratch" });
  expect((await reader.query("select seven, eight from public.made_by_a_restore, cutter_governance.also_made")).rows).toEqual([
    { seven: 7, eight: 8 },
  ]);
  await expect(reader.query("delete from public.made_by_a_restore")).rejects.toMatchObject({ code: "42501" });
  // nothing restored yet: refused, not an empty digest
  await expect(digestIn("bare_scratch")).rejects.toMatchObject({ name: "CutterError" });
});

it("says so when it is not there", async () => {
  await expect(digestIn("no_scratch")).rejects.toMatchObject({ code: "DATABASE_MISSING" });
});
