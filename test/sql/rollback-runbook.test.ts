// The rollback runbook on a real PostgreSQL, under the revert's own role and through the owner's SQL gate: retires what a run created,
// refuses when rows moved since.
import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "pg";
import { toRevertSql } from "../../orchestrator/core/revert/runbook-sql.ts";
import { parseRunId } from "../../orchestrator/core/run-id.ts";
import { toSqlGateViolations } from "../../orchestrator/core/database/sql-gate.ts";
import { createUnits, cutDocument, decide, registerDocument, type CutDocument } from "../support/database/cut-by-sql.ts";
import { applyThroughSqlGate } from "../support/database/sql-gate.ts";
import { startPostgres, type TestPostgres } from "../support/database/postgres.ts";

const runbook = readFileSync(resolve(import.meta.dirname, "../../sql/lifecycle/rollback_runbook.sql"), "utf8");
const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
let postgres: TestPostgres;
let admin: Client;
let reverter: Client;

beforeAll(async () => {
  postgres = await startPostgres();
  admin = await postgres.connect("workflow_admin");
  reverter = await postgres.connect("cutter_revert");
});
afterAll(() => postgres.stop());

const render = (runId: string) => toRevertSql(runbook, parseRunId(runId, { allowDryRunSuffix: false }));
const gate = (runId: string, as = reverter) => applyThroughSqlGate(as, render(runId).text, new Set([render(runId).sha256]));
const proofOf = (results: Awaited<ReturnType<typeof gate>>) => results.at(-1)?.rows[0];

const readRows = async (document: CutDocument) =>
  (
    await admin.query<{ row: string }>(
      "select to_jsonb(u)::text as row from public.information_unit u where doc_code = $1 union all select to_jsonb(v)::text " +
        "from public.unit_version v join public.information_unit u on u.id = v.unit_id where doc_code = $1 union all select " +
        "to_jsonb(l)::text from public.iu_lifecycle_log l join public.information_unit u on u.id = l.unit_id where doc_code = $1 " +
        "order by 1",
      [document.docCode],
    )
  ).rows.map(({ row }) => row);
const readStates = async (document: CutDocument) =>
  (
    await admin.query<{ state: string }>(
      "select lifecycle_state as state from public.information_unit where doc_code = $1 order by ordinal",
      [document.docCode],
    )
  ).rows.map(({ state }) => state);

describe("the rollback runbook, rendered and applied through the owner's gate by cutter_revert", () => {
  it(
    "retires exactly the run's units, keeps every identity, pointer and version, and logs each once; the second time finds " +
      "nothing left",
    async () => {
      const document = await cutDocument(postgres);
      const other = await cutDocument(postgres);
      const otherBefore = await readRows(other);
      const identities = async () =>
        (
          await admin.query(
            "select id, canonical_address, current_version_id, content_sha256, created_by_run, last_run_id, parent, ordinal from " +
              "public.information_unit where doc_code = $1 order by ordinal",
            [document.docCode],
          )
        ).rows;
      const before = await identities();
      expect(proofOf(await gate(document.runId))).toEqual({ units_of_run: "3", still_standing: "0", reverts_logged: "3" });
      const once = await readRows(document);
      expect(proofOf(await gate(document.runId))).toEqual({ units_of_run: "3", still_standing: "0", reverts_logged: "3" });
      expect(await readRows(document)).toEqual(once);
      expect(await readStates(document)).toEqual(["retired", "retired", "retired"]);
      expect(await identities()).toEqual(before);
      expect(await readRows(other)).toEqual(otherBefore);
      expect(
        (
          await admin.query("select from_state, to_state, run_id, actor from public.iu_lifecycle_log where idempotency_key like $1", [
            `${document.runId}:revert:%`,
          ])
        ).rows,
      ).toEqual(
        Array.from({ length: 3 }, () => ({ from_state: "enacted", to_state: "retired", run_id: document.runId, actor: "cutter_revert" })),
      );
    },
  );

  it("retires units that were created and never enacted", async () => {
    const document = await registerDocument(postgres);
    await createUnits(postgres, document, await decide(postgres, document, "cut_leg_a"));
    expect(proofOf(await gate(document.runId))).toEqual({ units_of_run: "3", still_standing: "0", reverts_logged: "3" });
  });

  it("keeps the UUID of the REVERT in the log when the transaction carries it", async () => {
    const document = await cutDocument(postgres);
    const decision = randomUUID();
    const text = `select set_config('cutter.review_decision_id', '${decision}', true);\n${render(document.runId).text}`;
    await applyThroughSqlGate(reverter, text, new Set([sha(text)]));
    expect(
      (
        await admin.query("select distinct review_decision_id as id from public.iu_lifecycle_log where idempotency_key like $1", [
          `${document.runId}:revert:%`,
        ])
      ).rows,
    ).toEqual([{ id: decision }]);
  });

  const address = (document: CutDocument) => document.addresses[1];
  it.each<[code: string, what: string, damage: (document: CutDocument) => Promise<unknown>]>([
    [
      "REVERT_UNIT_MOVED_SINCE",
      "another run is the last to have touched a unit",
      (document) => admin.query("update public.information_unit set last_run_id = 'R9' where canonical_address = $1", [address(document)]),
    ],
    [
      "REVERT_UNIT_MOVED_SINCE",
      "a body was edited in place",
      (document) =>
        admin.query(
          "update public.unit_version v set body = 'x' from public.information_unit u where u.id = v.unit_id and u.canonical_address = $1",
          [address(document)],
        ),
    ],
    [
      "REVERT_UNIT_MOVED_SINCE",
      "a state was set by hand, past the log",
      (document) =>
        admin.query("update public.information_unit set lifecycle_state = 'superseded' where canonical_address = $1", [address(document)]),
    ],
    [
      "REVERT_UNIT_MOVED_SINCE",
      "somebody added a version",
      (document) =>
        admin.query(
          "insert into public.unit_version (unit_id, version_no, body, body_sha256, heading_path, byte_start, byte_end, " +
            "source_version_id, run_id, idempotency_key) select id, 2, 'x', $2, 'x', 0, 1, $3, 'R9', gen_random_uuid()::text from " +
            "public.information_unit where canonical_address = $1",
          [address(document), sha("x"), document.sourceVersionId],
        ),
    ],
    [
      "REVERT_UNIT_MOVED_SINCE",
      "the pointer leads elsewhere",
      (document) =>
        admin.query(
          "update public.information_unit u set current_version_id = v.id from public.unit_version v, public.information_unit o " +
            "where v.unit_id = o.id and o.canonical_address = $2 and u.canonical_address = $1",
          [address(document), document.addresses[0]],
        ),
    ],
    [
      "REVERT_UNIT_WAS_THERE_BEFORE",
      "the run versioned a unit of another run",
      (document) =>
        admin.query(
          "update public.unit_version v set version_no = 2 from public.information_unit u where u.id = v.unit_id and " +
            "u.canonical_address = $1",
          [address(document)],
        ),
    ],
    [
      "REVERT_UNIT_ENACTED_BY_OTHERS",
      "another run enacted a unit",
      (document) =>
        admin.query(
          "insert into public.iu_lifecycle_log (unit_id, from_state, to_state, run_id, idempotency_key) select id, 'enacted', " +
            "'enacted', 'R9', gen_random_uuid()::text from public.information_unit where canonical_address = $1",
          [address(document)],
        ),
    ],
    [
      "REVERT_UNIT_HAS_FOREIGN_CHILD",
      "another run hung a unit below",
      (document) =>
        admin.query(
          "insert into public.information_unit (canonical_address, doc_code, parent, unit_kind, ordinal, content_sha256, " +
            "created_by_run, last_run_id) select $1 || '/c', doc_code, id, 'section', 9, content_sha256, 'R9', 'R9' from " +
            "public.information_unit where canonical_address = $1",
          [address(document)],
        ),
    ],
  ])("refuses with %s when %s, and writes nothing", async (code, _what, damage) => {
    const document = await cutDocument(postgres);
    await damage(document);
    const before = await readRows(document);
    await expect(gate(document.runId)).rejects.toThrow(code);
    expect(await readRows(document)).toEqual(before);
  });

  it("refuses a run nobody knows, and one that decided but created nothing", async () => {
    await expect(gate("no-such-run")).rejects.toThrow("REVERT_RUN_UNKNOWN no-such-run");
    const document = await registerDocument(postgres);
    await decide(postgres, document, "cut_leg_a");
    await expect(gate(document.runId)).rejects.toThrow(`REVERT_RUN_UNKNOWN ${document.runId}`);
  });

  it("refuses units that somebody moved on after the revert", async () => {
    const document = await cutDocument(postgres);
    await gate(document.runId);
    await admin.query("update public.information_unit set lifecycle_state = 'enacted' where canonical_address = $1", [address(document)]);
    await expect(gate(document.runId)).rejects.toThrow("REVERT_UNIT_MOVED_SINCE");
  });

  it("waits for a writer of the document that has not ended, so that what it commits is seen", async () => {
    const document = await registerDocument(postgres);
    const decision = await decide(postgres, document, "cut_leg_a");
    await createUnits(postgres, document, decision);
    await admin.query("begin");
    await admin.query("select pg_advisory_xact_lock(hashtextextended('cutter.document:' || $1, 0))", [document.documentId]);
    const waiting = gate(document.runId);
    const watcher = await postgres.connect("workflow_admin");
    for (let found = 0; found === 0;)
      found = (await watcher.query("select 1 from pg_locks where locktype = 'advisory' and not granted")).rows.length;
    await admin.query("update public.information_unit set last_run_id = 'R9' where canonical_address = $1", [address(document)]);
    await admin.query("commit");
    await expect(waiting).rejects.toThrow("REVERT_UNIT_MOVED_SINCE");
  });

  it("refuses without a run id", async () => {
    await expect((await postgres.connect("cutter_revert")).query(runbook)).rejects.toThrow("cutter.run_id");
  });
});

describe("what cutter_revert may do", () => {
  it.each([
    [
      "create a unit",
      "insert into public.information_unit (canonical_address, doc_code, unit_kind, ordinal, content_sha256, created_by_run, " +
        "last_run_id) values ('x', 'x', 'section', 0, repeat('0', 64), 'x', 'x')",
    ],
    ["change a version", "update public.unit_version set body = ''"],
    ["change where a unit points", "update public.information_unit set current_version_id = null"],
    ["remove a unit", "delete from public.information_unit"],
    [
      "write its log by another name",
      "insert into public.iu_lifecycle_log (unit_id, from_state, to_state, run_id, idempotency_key, actor) values " +
        "(gen_random_uuid(), 'a', 'b', 'c', 'd', 'somebody')",
    ],
    ["call the writer's function", "select public.fn_iu_create()"],
    ["decide", "insert into cutter_governance.review_decision (id) values (gen_random_uuid())"],
  ])("is not to %s", async (_what, text) => {
    await expect(reverter.query(text)).rejects.toMatchObject({ code: "42501" });
  });
});

describe("the rules of the owner's SQL gate", () => {
  it("hold for the file and for a rendering, comments included", () => {
    expect(toSqlGateViolations(runbook)).toEqual([]);
    expect(toSqlGateViolations(render("R-2026.11_a").text)).toEqual([]);
  });

  it("see each planted violation, with its line", () => {
    const planted = ["begin;", "COMMIT;", "drop table a;", "delete  from a;", "truncate a;", "\\i file", "-- rollback"];
    expect(planted.map((line) => toSqlGateViolations(`select 1;\n${line}`).map((violation) => violation.line))).toEqual(
      planted.map(() => [2]),
    );
  });

  it("hold even when the run's own name is a forbidden word: it is bound as hex then", async () => {
    const document = await cutDocument(postgres, { runId: "cut-drop-1" });
    expect(toSqlGateViolations(render(document.runId).text)).toEqual([]);
    expect(proofOf(await gate(document.runId))).toMatchObject({ still_standing: "0", units_of_run: "3" });
  });

  it("a runbook that breaks them is not rendered", () => {
    expect(() => toRevertSql(`${runbook}\ncommit;\n`, parseRunId("R-1", { allowDryRunSuffix: false }))).toThrow("REVERT_RUNBOOK_UNFIT");
  });

  it("the rendering is the pinned file, word for word, behind the line that binds the run", () => {
    const { text, sha256, runbookSha256 } = render("R-1");
    expect(text.endsWith(`\n${runbook}`)).toBe(true);
    expect([sha256, runbookSha256]).toEqual([sha(text), sha(runbook)]);
    expect(text).toContain("set_config('cutter.run_id', 'R-1', true)");
  });
});
