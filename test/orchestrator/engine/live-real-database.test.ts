// A live run on a real PostgreSQL: the engine, the real phases, the programme's logins. Killed at every boundary of an effect, it leaves
// each row once.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openRecorders } from "../../../orchestrator/adapters/postgres/recorders.ts";
import { openWriteDatabase } from "../../../orchestrator/adapters/postgres/write-database.ts";
import { makeLiveWorld, type LiveWorld } from "../../support/worlds/live-world.ts";
import { FakeDatabase } from "../../support/worlds/fake-database.ts";
import { documentBody, documentId } from "../../support/worlds/world.ts";
import { startPostgres, type TestPostgres } from "../../support/database/postgres.ts";
import { openTestDatabase, toTestSettings } from "../../support/database/production-database.ts";

let server: TestPostgres;
let live: LiveWorld;
let close: () => Promise<unknown>;

beforeAll(async () => {
  server = await startPostgres();
  const admin = await server.connect("workflow_admin");
  const registered = await admin.query<{ id: string }>(
    "insert into cutter_governance.source_document_registry (kb_document_id, doc_code, title) values ($1, 'harmless', 'A " +
      "harmless document') returning id",
    [documentId],
  );
  const sha256 = createHash("sha256").update(documentBody).digest("hex");
  await admin.query(
    "insert into cutter_governance.source_document_version_registry (source_document_id, version_no, kb_revision, sha256, " +
      "byte_length) values ($1, 1, 1, $2, $3)",
    [registered.rows[0]?.id, sha256, Buffer.byteLength(documentBody)],
  );
  await admin.end();
  const settings = toTestSettings(server);
  const real = openTestDatabase(server);
  const recorders = openRecorders(settings, "0".repeat(64));
  const writeDatabase = openWriteDatabase(settings, (id, addresses) => real.readDocumentDigest(id, addresses));
  close = () => Promise.allSettled([real.close(), recorders.close(), writeDatabase.close()]);
  // The grants of a test server are pinned by another test; here they are as expected.
  const { matrixText, probes } = new FakeDatabase();
  const database = {
    ...real,
    readGrantMatrix: () => Promise.resolve({ text: matrixText, sha256: createHash("sha256").update(matrixText).digest("hex") }),
    probeForbiddenActions: () => Promise.resolve(probes),
  };
  live = await makeLiveWorld({ begin: new Date(Math.floor(Date.now() / 1000) * 1000), ports: { database, recorders, writeDatabase } });
  await live.approve("SG_1");
  await live.approve("SG_2");
}, 60_000);
afterAll(async () => {
  await close();
  await live.remove();
  await server.stop();
});

const count = async (): Promise<Readonly<Record<string, number>>> => {
  const admin = await server.connect("workflow_admin");
  const found = await admin.query<{ table: string; rows: string }>(
    [
      "public.information_unit",
      "public.unit_version",
      "public.iu_lifecycle_log",
      "cutter_governance.review_decision",
      "cutter_governance.cut_change_set",
      "cutter_governance.manifest_envelope",
      "cutter_governance.verify_result",
    ]
      .map((table) => `select '${table}' as table, count(*) as rows from ${table}`)
      .join(" union all "),
  );
  await admin.end();
  return Object.fromEntries(found.rows.map(({ table, rows }) => [table, Number(rows)]));
};

it("killed at every boundary of every effect in one run, it is finished by the last start, each row once", async () => {
  const met = new Set<string>();
  const names = ["effect_intended", "permission_made", "transaction_recorded", "commit_judged", "effect_applied", "effect_recorded"];
  let outcome = null;
  for (let starts = 0; outcome === null; starts += 1) {
    expect(starts).toBeLessThan(60);
    const killAt = (name: string, step: string): boolean => {
      if (!names.includes(name) || met.has(`${name} ${step}`)) return false;
      met.add(`${name} ${step}`);
      return true;
    };
    outcome = await live.start({ killAt }).catch(() => null);
  }
  expect(outcome).toMatchObject({ result: "done", exit_code: 0, phases_done: 11 });
  expect([...met].filter((point) => !point.endsWith(" pre_write_backup"))).toHaveLength(6 * names.length);
  const units = (await count())["public.information_unit"];
  expect(units).toBeGreaterThan(2);
  expect(await count()).toEqual({
    "public.information_unit": units,
    "public.unit_version": units,
    "public.iu_lifecycle_log": units,
    "cutter_governance.review_decision": 2,
    "cutter_governance.cut_change_set": 1,
    "cutter_governance.manifest_envelope": 1,
    "cutter_governance.verify_result": 1,
  });
  const before = await count();
  expect(await live.start()).toMatchObject({ result: "done", replay: true });
  expect(await count()).toEqual(before);
}, 120_000);
