// The substrate behaves as the programme's database does: functions that refuse by jsonb, one decision per phase and run, verifier ≠
// writer.
import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "pg";
import { startPostgres, type TestPostgres } from "../support/database/postgres.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
const payload = "b".repeat(64);

interface Unit {
  readonly key: string;
  readonly run: string;
  readonly address: string;
  readonly parent: string | null;
  readonly ordinal: number;
  readonly body: string;
  readonly body_sha256: string;
  readonly byte_start: number;
  readonly byte_end: number;
  readonly source: string;
  readonly decision: string;
  readonly expected: string | null;
}

let server: TestPostgres;
let admin: Client;
let exec: Client;
let governance: Client;
let verifier: Client;

beforeAll(async () => {
  server = await startPostgres();
  [admin, exec, governance, verifier] = await Promise.all([
    server.connect("workflow_admin"),
    server.connect("cutter_exec"),
    server.connect("directus_secdef"),
    server.connect("cutter_verify"),
  ]);
}, 60_000);
afterAll(async () => {
  await server.stop();
});

/** A registered document with a fresh decision for both phases of a fresh run. */
async function registerDocument(code = `doc-${randomUUID().slice(0, 8)}`) {
  const application = await server.connect("directus"); // as `document add` does
  const {
    rows: [document],
  } = await application.query<{ id: string }>(
    "insert into cutter_governance.source_document_registry (kb_document_id, doc_code, title) values ($1, $2, 'A document') returning id",
    [`knowledge/other/${code}.md`, code],
  );
  const {
    rows: [version],
  } = await application.query<{ id: string }>(
    "insert into cutter_governance.source_document_version_registry (source_document_id, version_no, kb_revision, sha256, " +
      "byte_length) values ($1, 1, 1, $2, 10) returning id",
    [document?.id, sha(code)],
  );
  await application.end();
  const run = `run-${code}`;
  const decide = async (phase: "cut_leg_a" | "lifecycle_enact", gate: string): Promise<string> => {
    const id = randomUUID();
    await governance.query(
      "insert into cutter_governance.review_decision (id, source_document_id, phase, gate, run_id, decision, payload_sha, " +
        "approval_kb_id, approval_sha256) values ($1, $2, $3, $4, $5, 'approve', $6, 'knowledge/x.md', $6)",
      [id, document?.id, phase, gate, run, payload],
    );
    return id;
  };
  return {
    code,
    run,
    documentId: document?.id ?? "",
    versionId: version?.id ?? "",
    cut: await decide("cut_leg_a", "SG_1"),
    enact: await decide("lifecycle_enact", "SG_2"),
  };
}

type Registered = Awaited<ReturnType<typeof registerDocument>>;

function toUnit(document: Registered, ordinal: number, changes: Partial<Unit> = {}): Unit {
  const body = changes.body ?? `## Điều ${String(ordinal)}\r\n`;
  const start = ordinal * 1000;
  return {
    key: `${document.run}:${String(ordinal)}`,
    run: document.run,
    address: `${document.code}/${String(ordinal)}`,
    parent: ordinal === 0 ? null : `${document.code}/0`,
    ordinal,
    body,
    body_sha256: sha(body),
    byte_start: start,
    byte_end: start + Buffer.byteLength(body),
    source: document.versionId,
    decision: document.cut,
    expected: null,
    ...changes,
  };
}

/** Set-based, in plan order, as cut_leg_a calls it; with EXECUTE rights alone. */
async function create(code: string, units: readonly Unit[]): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await exec.query<{ answer: Record<string, unknown> }>(
    `select public.fn_iu_create(u.key, u.run, u.address, $2, u.parent, 'section', u.ordinal, u.body, u.body_sha256, u.address, u.byte_start, u.byte_end, u.source, u.decision, u.expected) as answer
     from jsonb_to_recordset($1::jsonb) as u (key text, run text, address text, parent text, ordinal integer, body text, body_sha256 text, byte_start bigint, byte_end bigint, source uuid, decision uuid, expected uuid)
     order by u.ordinal`,
    [JSON.stringify(units.toReversed()), code],
  );
  return rows.map(({ answer }) => answer);
}

async function enact(
  document: Registered,
  ordinal: number,
  changes: Partial<{ key: string; to: string; decision: string; version: string | null }> = {},
): Promise<Record<string, unknown>> {
  const address = `${document.code}/${String(ordinal)}`;
  const {
    rows: [unit],
  } = await admin.query<{ current_version_id: string }>(
    "select current_version_id from public.information_unit where canonical_address = $1",
    [address],
  );
  const {
    rows: [row],
  } = await exec.query<{ answer: Record<string, unknown> }>("select public.fn_iu_enact($1, $2, $3, $4, $5, $6) as answer", [
    changes.key ?? `${document.run}:enact:${String(ordinal)}`,
    document.run,
    address,
    changes.to ?? "enacted",
    changes.decision ?? document.enact,
    changes.version === undefined ? unit?.current_version_id : changes.version,
  ]);
  return row?.answer ?? {};
}

test("300 units are cut set-based in plan order: tree, bytes and recorder are all there, and a replay is a duplicate", async () => {
  const document = await registerDocument();
  const units = Array.from({ length: 300 }, (_, ordinal) => toUnit(document, ordinal));
  const answers = await create(document.code, units);
  expect(answers.filter(({ refused, duplicate }) => refused === false && duplicate === false)).toHaveLength(300);
  const readonly = await server.connect("context_pack_readonly");
  const { rows } = await readonly.query(
    "select v.idempotency_key as key, v.body, v.created_by, p.canonical_address as parent from public.unit_version v join " +
      "public.information_unit u on u.current_version_id = v.id left join public.information_unit p on p.id = u.parent where " +
      "v.run_id = $1 order by u.ordinal",
    [document.run],
  );
  expect(rows).toEqual(units.map(({ key, body, parent }) => ({ key, body, parent, created_by: "cutter_exec" })));
  const again = await create(document.code, units);
  expect(again.map(({ duplicate, unit_id, version_id }) => ({ duplicate, unit_id, version_id }))).toEqual(
    answers.map(({ unit_id, version_id }) => ({ duplicate: true, unit_id, version_id })),
  );
});

describe("fn_iu_create refuses without raising, and leaves nothing", () => {
  test.each<{ readonly why: string; readonly reason: string; readonly change: (document: Registered) => Partial<Unit> }>([
    { why: "a body of another digest", reason: "body_mismatch", change: () => ({ body_sha256: "0".repeat(64) }) },
    { why: "a range of another length", reason: "body_mismatch", change: () => ({ byte_end: 7 }) },
    { why: "no such decision", reason: "review_decision_unknown", change: () => ({ decision: randomUUID() }) },
    { why: "the decision of the other phase", reason: "review_decision_unknown", change: ({ enact: decision }) => ({ decision }) },
    { why: "the decision of another run", reason: "review_decision_unknown", change: () => ({ run: "another-run" }) },
    { why: "an unknown parent", reason: "parent_unknown", change: () => ({ parent: "nowhere/at-all" }) },
    { why: "an address somebody else has", reason: "address_taken", change: () => ({ address: "office-handbook/office" }) },
    { why: "a version that is not there", reason: "version_moved", change: () => ({ expected: randomUUID() }) },
    { why: "a missing argument", reason: "argument_missing", change: () => ({ key: JSON.parse("null") as string }) },
  ])("$why", async ({ reason, change }) => {
    const document = await registerDocument();
    expect(await create(document.code, [toUnit(document, 0, change(document))])).toEqual([{ refused: true, reason }]);
    expect((await admin.query("select 1 from public.information_unit where doc_code = $1", [document.code])).rows).toEqual([]);
  });

  test("an idempotency key that stands for other bytes", async () => {
    const document = await registerDocument();
    await create(document.code, [toUnit(document, 0)]);
    expect(await create(document.code, [toUnit(document, 0, { body: "other\n" })])).toEqual([
      { refused: true, reason: "idempotency_conflict" },
    ]);
  });

  test("while its row in dot_config does not say on", async () => {
    const document = await registerDocument();
    await admin.query("update public.dot_config set value = 'off' where key = 'iu_cutter.create'");
    expect(await create(document.code, [toUnit(document, 0)])).toEqual([{ refused: true, reason: "gate_closed" }]);
    await admin.query("update public.dot_config set value = 'on' where key = 'iu_cutter.create'");
  });
});

test("a caller's temporary table does not stand in for the real one", async () => {
  const document = await registerDocument();
  await admin.query("grant temporary on database directus to cutter_exec");
  await exec.query("create temporary table dot_config (key text, value text)");
  await exec.query("create temporary table information_unit (id uuid)");
  expect((await create(document.code, [toUnit(document, 0)]))[0]).toMatchObject({ refused: false });
  await exec.query("drop table pg_temp.dot_config, pg_temp.information_unit");
  await admin.query("revoke temporary on database directus from cutter_exec");
});

test("enacting logs once, with decision and login, and a replay is a duplicate", async () => {
  const document = await registerDocument();
  await create(document.code, [toUnit(document, 0)]);
  expect(await enact(document, 0)).toMatchObject({ refused: false, duplicate: false });
  expect(await enact(document, 0)).toMatchObject({ refused: false, duplicate: true });
  expect(await enact(document, 0, { key: "other-key" })).toEqual({ refused: true, reason: "transition_illegal" });
  const { rows } = await admin.query(
    "select l.from_state, l.to_state, l.actor, l.review_decision_id, u.lifecycle_state from public.iu_lifecycle_log l join " +
      "public.information_unit u on u.id = l.unit_id where l.run_id = $1",
    [document.run],
  );
  expect(rows).toEqual([
    { from_state: "draft", to_state: "enacted", actor: "cutter_exec", review_decision_id: document.enact, lifecycle_state: "enacted" },
  ]);
});

test("enacting refuses another version, another phase's decision and an unknown unit", async () => {
  const document = await registerDocument();
  await create(document.code, [toUnit(document, 0)]);
  expect(await enact(document, 0, { version: randomUUID() })).toEqual({ refused: true, reason: "version_moved" });
  expect(await enact(document, 0, { decision: document.cut })).toEqual({ refused: true, reason: "review_decision_unknown" });
  expect(await enact(document, 1, { version: randomUUID() })).toEqual({ refused: true, reason: "unit_unknown" });
  expect((await admin.query("select 1 from public.iu_lifecycle_log where run_id = $1", [document.run])).rows).toEqual([]);
});

test("one decision per document, phase and run: the second is refused by the unique key", async () => {
  const document = await registerDocument();
  const second = governance.query(
    "insert into cutter_governance.review_decision (id, source_document_id, phase, gate, run_id, decision, payload_sha, " +
      "approval_kb_id, approval_sha256) values ($1, $2, 'cut_leg_a', 'SG_1', $3, 'approve', $4, 'x', $4)",
    [randomUUID(), document.documentId, document.run, payload],
  );
  await expect(second).rejects.toMatchObject({ code: "23505", constraint: "review_decision_source_document_id_phase_run_id_key" });
});

test("the recorder of a governance row is the login, whatever the insert claims", async () => {
  const document = await registerDocument();
  await governance.query(
    "insert into cutter_governance.cut_change_set (source_document_id, source_version_id, run_id, review_decision_id, " +
      "payload_sha, from_digest, to_digest, unit_count, recorded_by) values ($1, $2, $3, $4, $5, $5, $5, 1, 'somebody-else')",
    [document.documentId, document.versionId, document.run, document.cut, payload],
  );
  const { rows } = await admin.query("select recorded_by from cutter_governance.v_cut_change_set_observe where run_id = $1", [
    document.run,
  ]);
  expect(rows).toEqual([{ recorded_by: "directus_secdef" }]);
});

test("neither who recorded the change set nor who wrote the units may verify it; a third login may, once", async () => {
  const document = await registerDocument();
  await create(document.code, [toUnit(document, 0)]);
  const {
    rows: [changeSet],
  } = await governance.query<{ id: string }>(
    "insert into cutter_governance.cut_change_set (source_document_id, source_version_id, run_id, review_decision_id, " +
      "payload_sha, from_digest, to_digest, unit_count) values ($1, $2, $3, $4, $5, $5, $5, 1) returning id",
    [document.documentId, document.versionId, document.run, document.cut, payload],
  );
  const verify = (client: Client) =>
    client.query(
      "insert into cutter_governance.verify_result (change_set_id, run_id, verdict, units_checked, to_digest) values ($1, $2, " +
        "'pass', 1, $3)",
      [changeSet?.id, document.run, payload],
    );
  await admin.query(
    "grant usage on schema cutter_governance to cutter_exec; grant insert on cutter_governance.verify_result to cutter_exec, " +
      "directus_secdef; grant cutter_verify to directus_secdef",
  );
  await expect(verify(exec)).rejects.toMatchObject({ code: "42501" });
  await expect(verify(governance)).rejects.toMatchObject({ code: "42501" });
  await governance.query("set role cutter_verify"); // session_user stays who logged in
  await expect(verify(governance)).rejects.toMatchObject({ code: "42501" });
  await governance.query("reset role");
  await admin.query(
    "revoke insert on cutter_governance.verify_result from cutter_exec, directus_secdef; revoke usage on schema " +
      "cutter_governance from cutter_exec; revoke cutter_verify from directus_secdef",
  );
  await verify(verifier);
  await expect(verify(verifier)).rejects.toMatchObject({ code: "23505" });
});

test("cutter_exec can reach no table by itself", async () => {
  for (const statement of [
    "select 1 from public.information_unit",
    "lock table public.information_unit in share mode",
    "select 1 from cutter_governance.review_decision",
    "insert into public.dot_config values ('a', 'b')",
  ]) {
    await exec.query("begin");
    await expect(exec.query(statement)).rejects.toMatchObject({ code: "42501" });
    await exec.query("rollback");
  }
});
