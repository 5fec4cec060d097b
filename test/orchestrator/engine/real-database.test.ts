// The dry run on a real PostgreSQL: what the certificate sees of a phase that writes, of a stranger that writes, and of nobody.
import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { toVerdict } from "../../../orchestrator/core/run/verdict.ts";
import { runPhases } from "../../../orchestrator/engine/run.ts";
import { readPhase, type Phase } from "../../../orchestrator/phases/define.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import type { ProductionDatabase } from "../../../orchestrator/ports/database.ts";
import { documentBody, documentId, makeWorld, type World } from "../../support/worlds/world.ts";
import { startPostgres, type TestPostgres } from "../../support/database/postgres.ts";
import { openTestDatabase } from "../../support/database/production-database.ts";
import type { PhaseName } from "../../../orchestrator/core/phase-names.ts";

let server: TestPostgres;
let world: World;
let database: ProductionDatabase;

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
});
afterAll(() => server.stop());
beforeEach(async () => {
  world = await makeWorld();
  database = openTestDatabase(server);
});
afterEach(async () => {
  await database.close();
  await world.remove();
});

const start = (list: readonly Phase[] = phases) => runPhases(world.toRun({ phases: list }), { ...world.ports, database });

/** A phase of the test between leg A and its verification. */
const withPhase = (act: () => Promise<void>): readonly Phase[] => [
  ...phases.slice(0, 6),
  readPhase({
    name: "test_phase" as PhaseName,
    needs: {},
    output: z.strictObject({}),
    observe: act,
    precondition: () => toVerdict(),
    conclude: () => ({}),
    text: () => ({ summary: "a phase of the test", facts: [] }),
  }),
  ...phases.slice(6),
];

const insertAndDelete = async (): Promise<void> => {
  const client = await server.connect("workflow_admin");
  await client.query("insert into public.dot_config (key, value) values ('test', 'one')");
  await client.query("delete from public.dot_config where key = 'test'");
  await client.end(); // the counters of an ended session are there at once
};

it("passes when nobody writes, with every table of the contract and the decoy in scope", async () => {
  const outcome = await start();
  expect(outcome).toMatchObject({ result: "done", exit_code: 0, certificate: "pass", phases_done: 11 });
  const certificate = z
    .object({ tables: z.array(z.object({ table: z.string() })) })
    .parse(JSON.parse(await world.readRunFile("certificate.json")));
  expect(certificate.tables.map(({ table }) => table)).toEqual(
    expect.arrayContaining([
      "public.information_unit",
      "public.unit_version",
      "sandbox_tac.unit_version",
      "cutter_governance.review_decision",
    ]),
  );
});

it("does not pass a run in which one row is inserted and deleted, though every digest is as before", async () => {
  const outcome = await start(withPhase(insertAndDelete));
  expect(outcome).toMatchObject({ result: "done", certificate: "inconclusive", phases_done: 12 });
  const { tables } = z
    .object({
      tables: z.array(z.object({ table: z.string(), sha256Before: z.string(), sha256After: z.string(), modifications: z.string() })),
    })
    .parse(JSON.parse(await world.readRunFile("certificate.json")));
  const written = tables.find(({ table }) => table === "public.dot_config");
  expect(written).toMatchObject({ modifications: "2", sha256After: written?.sha256Before });
});

it("does not pass a run in which a stranger adds a row", async () => {
  const outcome = await start(
    withPhase(async () => {
      const client = await server.connect("workflow_admin");
      await client.query("insert into public.dot_config (key, value) values ('foreign', 'one')");
      await client.end();
    }),
  );
  expect(outcome).toMatchObject({ result: "done", certificate: "inconclusive", exit_code: 0 });
});

/** As the database's owner, while `look` runs. */
async function whilePlanted<Result>(change: string, undo: string, look: () => Promise<Result>): Promise<Result> {
  const client = await server.connect("workflow_admin");
  await client.query(change);
  try {
    return await look();
  } finally {
    await client.query(undo);
    await client.end();
  }
}

it("stops in source_pin, with no certificate, where row security may hide a document's rows", async () => {
  const outcome = await whilePlanted(
    "alter table public.unit_version enable row level security",
    "alter table public.unit_version disable row level security",
    start,
  );
  expect(outcome).toMatchObject({ result: "stopped", exit_code: 10, code: "DATABASE_ROWS_HIDDEN", phases_done: 0, certificate: null });
  expect(outcome.facts).toMatchObject({
    login: "context_pack_readonly",
    role: "context_pack_readonly",
    table: "public.unit_version",
    why: "row security",
  });
});

it("goes on to the end, and never passes, where another thing stands in a table's place", async () => {
  const outcome = await whilePlanted(
    "alter table public.dot_config rename to real_config; create view public.dot_config as select * from public.real_config",
    "drop view public.dot_config; alter table public.real_config rename to dot_config",
    start,
  );
  expect(outcome).toMatchObject({ result: "done", certificate: "inconclusive", phases_done: 11 });
  const refused = outcome.would_refuse.map(({ phase, code }) => `${phase} ${code}`);
  expect(refused).toEqual(expect.arrayContaining(["source_pin CONTRACT_MISMATCH", "source_pin DATABASE_ROWS_HIDDEN"]));
  expect(await world.readRunFile("report.txt")).toContain("does not see public.dot_config as one whole table: not an ordinary table");
});

it("names what fires beside a write, in the phase's document, the certificate and the report", async () => {
  const outcome = await whilePlanted(
    `create table public.audit (at timestamptz); create function public.fn_audit() returns trigger language plpgsql as
       'begin insert into public.audit values (now()); return null; end';
     create trigger audit after insert or update on public.information_unit for each row execute function public.fn_audit();
     create trigger asleep after delete on public.information_unit execute function public.fn_audit();
     alter table public.information_unit disable trigger asleep;
     create rule tell as on insert to public.iu_lifecycle_log do also notify units`,
    `drop trigger audit on public.information_unit; drop trigger asleep on public.information_unit; drop function public.fn_audit;
     drop table public.audit; drop rule tell on public.iu_lifecycle_log`,
    start,
  );
  expect(outcome.certificate).toBe("pass"); // a dry run makes nothing fire
  const audit = "trigger audit on public.information_unit: after insert or update for each row, runs public.fn_audit";
  const pinned = await world.readKb(`${world.config.kb_runs_folder}/${outcome.run_id.toLowerCase()}/01-source-pin.md`);
  const report = await world.readRunFile("report.txt");
  const { notCovered } = z.object({ notCovered: z.array(z.string()) }).parse(JSON.parse(await world.readRunFile("certificate.json")));
  for (const told of [pinned, report.replaceAll(/\s+/g, " "), notCovered.join("\n")]) {
    expect(told).toContain(audit);
    expect(told).toContain("rule tell on public.iu_lifecycle_log: on insert");
    expect(told).toContain("trigger verify_result_guard on cutter_governance.verify_result: before insert for each row");
    expect(told).not.toContain("asleep");
    expect(told).toContain("outside the tables in scope");
  }
});
