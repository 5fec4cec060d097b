// The emergency revert on the booted host, from the operator's desk: a document cut by SQL, a REVERT signed by stock gpg, the unit, the
// database, the second call, the refusals.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { envNames } from "../../orchestrator/core/host/secret-names.ts";
import { npm, onHost, readCensus, run, sql } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";
import { toPattern } from "../support/refusal-case.ts";

const stamp = new Date()
  .toISOString()
  .replace(/[-:]|\.\d+/g, "")
  .toLowerCase();
const code = `revert-${stamp}`;
const documentId = `knowledge/other/${code}.md`;
const runId = `Revert-${stamp}`;
const text = "# Điều 1\n\nMột.\n\n## Khoản 1\n\nHai.\n\n# Điều 2\n\nBa.\n";
let directory: string;
let before: Readonly<Record<string, string>>;

beforeAll(async () => {
  await ensureReady();
  directory = mkdtempSync(join(tmpdir(), "cutter-e2e-"));
  const file = join(directory, "document.md");
  writeFileSync(file, text);
  expect((await npm("sandbox", "document", "add", file, "--id", documentId)).output).toContain("[OK]");
  expect((await run(["node", "runbooks/prepare.ts", "--stack", "sandbox", "--run-id", runId, "--document", documentId])).code).toBe(0);
  before = await readCensus();
  await cutBySql();
}, 300_000);
afterAll(async () => {
  await onHost("rm -f /etc/cutter/execution/DISABLED");
  rmSync(directory, { recursive: true, force: true });
});

const folder = `/var/lib/cutter/runs/${runId}`;
const readJson = async (path: string) => JSON.parse((await onHost(`cat ${path}`)).stdout) as Record<string, unknown>;
const revert = (approval: string) => run(["runbooks/emergency-revert", "--stack", "sandbox", "--run-id", runId, "--approval", approval]);
const readStates = async () =>
  await sql(
    `select lifecycle_state || ':' || count(*) from public.information_unit where created_by_run = '${runId}' group by ` +
      "lifecycle_state order by 1",
  );

/** What a live run leaves: its folder with the plan, its decisions, its units through the two canonical functions. */
async function cutBySql(): Promise<void> {
  await onHost(
    `install -d -m 0700 -o cutter -g cutter ${folder} && install -m 0600 -o cutter -g cutter ${folder}.dryrun/plan.json ` +
      `${folder}/plan.json`,
  );
  const plan = (await onHost(`cat ${folder}/plan.json`)).stdout;
  const literal = (value: string) => `'${value.replaceAll("'", "''")}'`;
  await sql(`
create temporary table given as select ${literal(plan)}::jsonb as plan, convert_to(${literal(text)}, 'UTF8') as source, encode(sha256(convert_to(${literal(plan)}, 'UTF8')), 'hex') as payload_sha;
create temporary table decided as select gen_random_uuid() as cut, gen_random_uuid() as enact;
insert into cutter_governance.review_decision (id, source_document_id, phase, gate, run_id, decision, payload_sha, approval_kb_id, approval_sha256)
  select x.id, d.id, x.phase, x.gate, '${runId}', 'approve', payload_sha, 'knowledge/x.md', payload_sha
  from given, decided, cutter_governance.source_document_registry d, lateral (values (cut, 'cut_leg_a', 'SG_1'), (enact, 'lifecycle_enact', 'SG_2')) as x (id, phase, gate) where d.kb_document_id = '${documentId}';
select public.fn_iu_create('${runId}:' || (u->>'ordinal'), '${runId}', u->>'address', plan->>'docCode', u->>'parent', u->>'kind', (u->>'ordinal')::integer,
    convert_from(substring(source from (u->>'byteStart')::integer + 1 for (u->>'byteEnd')::integer - (u->>'byteStart')::integer), 'UTF8'), u->>'sha256', u->>'title', (u->>'byteStart')::bigint, (u->>'byteEnd')::bigint, v.id, cut, null)
  from given, decided, jsonb_array_elements(plan->'units') with ordinality as e (u, n), cutter_governance.source_document_version_registry v
  join cutter_governance.source_document_registry d on d.id = v.source_document_id where d.kb_document_id = '${documentId}' order by n;
select public.fn_iu_enact('${runId}:enact:' || u.ordinal, '${runId}', u.canonical_address, 'enacted', enact, u.current_version_id) from decided, public.information_unit u where u.created_by_run = '${runId}';
`);
  expect(await readStates()).toBe("enacted:3");
}

/** As the sovereign would: the host's draft, filled, signed by stock gpg. */
async function signRevert(name: string, change: (document: string) => string = (document) => document): Promise<string> {
  const draft = JSON.parse((await onHost(`cutter approval draft --json --gate REVERT --run-id ${runId}`)).stdout) as { document: string };
  const file = join(directory, `${name}.md`);
  writeFileSync(
    file,
    change(
      draft.document.replace("@REVIEW_DECISION_ID@", randomUUID()).replace("@ISSUED_AT@", `${new Date().toISOString().slice(0, 19)}Z`),
    ),
  );
  const signed = await npm("sandbox", "sign", file, "--as", "sovereign");
  expect(signed.output).toContain("[OK]");
  return file;
}

describe("before it is allowed", () => {
  it("a shell reverts nothing, not even root's", async () => {
    const ran = await onHost(`cutter revert --run-id ${runId} --approval /dev/null 2>&1; echo exit=$?`);
    expect(ran.stdout).toMatch(toPattern("EXECUTION_OUTSIDE_UNIT reason=revert"));
    expect(ran.stdout).toContain("exit=10");
  });

  it("the unit alone, with nothing staged, refuses and says so in its result", async () => {
    await onHost(`systemctl start cutter-revert@${runId}; true`);
    expect(await readJson(`/run/cutter/revert-results/${runId}.json`)).toMatchObject({
      exit_code: 10,
      code: "REVERT_NOT_STAGED",
      exit_kind: "not-started",
    });
  });

  it("an approval for another plan is refused on the host, and nothing is written", async () => {
    const file = await signRevert("another-plan", (document) =>
      document.replace(/"payload_sha": "[0-9a-f]{64}"/, `"payload_sha": "${"f".repeat(64)}"`),
    );
    const { code, output } = await revert(file);
    expect(output).toMatch(toPattern("APPROVAL_OUTDATED field=payload_sha"));
    expect(code).toBe(10);
    expect(await readStates()).toBe("enacted:3");
  });

  it("a document signed by nobody is refused here already", async () => {
    const file = await signRevert("changed");
    writeFileSync(file, "no approval\n");
    const { code, output } = await revert(file);
    expect(output).toMatch(toPattern("APPROVAL_TEXT_INVALID reason=block"));
    expect(code).toBe(10);
  });

  it("a run that is armed is stopped first", async () => {
    const file = await signRevert("armed");
    await onHost(`mkdir /run/cutter/armed/${runId}`);
    const { code, output } = await revert(file);
    await onHost(`rm -rf /run/cutter/armed/${runId}`);
    expect(output).toContain("REVERT_RUN_ACTIVE");
    expect(code).toBe(10);
    expect(await readStates()).toBe("enacted:3");
  });
});

describe("by a signed REVERT", () => {
  let file: string;

  it("the run is reverted while execution is disabled: backup proven, one transaction, another login, document, psql", async () => {
    expect((await run(["runbooks/disable", "--stack", "sandbox"])).code).toBe(0);
    file = await signRevert("revert");
    const { code, output } = await revert(file);
    expect(output).toContain("psql says: 3 units of this run, none of them stands");
    expect(code).toBe(0);
    expect(await readStates()).toBe("retired:3");
    expect(await readJson(`${folder}/revert/outcome.json`)).toMatchObject({ result: "reverted", exit_code: 0, units: 3 });
    expect(await readJson(`/run/cutter/revert-results/${runId}.json`)).toMatchObject({ exit_code: 0, result: "reverted" });
    expect(await sql(`select distinct actor from public.iu_lifecycle_log where idempotency_key like '${runId}:revert:%'`)).toBe(
      "cutter_revert",
    );
  });

  it("every table without this run's rows is byte for byte as before the cut", async () => {
    const changed = Object.entries(await readCensus())
      .filter(([table, census]) => before[table] !== census)
      .map(([table]) => table);
    expect(changed.sort()).toEqual([
      "cutter_governance.review_decision",
      "public.information_unit",
      "public.iu_lifecycle_log",
      "public.unit_version",
    ]);
    for (const [table, column] of [
      ["public.information_unit", "created_by_run"],
      ["public.unit_version", "run_id"],
      ["public.iu_lifecycle_log", "run_id"],
      ["cutter_governance.review_decision", "run_id"],
    ] as const) {
      const rest = await sql(
        `select count(*) || ' ' || coalesce(encode(sha256(convert_to(string_agg(t::text, E'\\n' order by t::text), 'UTF8')), ` +
          `'hex'), '-') from ${table} t where ${column} <> '${runId}'`,
      );
      expect([table, rest]).toEqual([table, before[table]]);
    }
  });

  it("its evidence holds, the ciphertext is for the owner's key, and no secret is left", async () => {
    expect((await onHost(`cd ${folder}/revert && sha256sum -c --quiet EVIDENCE.sha256 && echo whole`)).stdout.trim()).toBe("whole");
    expect((await onHost(`ls ${folder}/revert`)).stdout).toContain("backup-");
    expect((await onHost(`ls -A /run/cutter/cred /run/cutter/revert /run/cutter/incoming | grep -F '${runId}' | cat`)).stdout.trim()).toBe(
      "",
    );
    const secrets = envNames
      .filter(({ secret }) => secret)
      .map(({ name }) => name)
      .join("\\|");
    expect(
      (
        await onHost(
          `for v in $(grep -h -e '^\\(${secrets}\\)=' /opt/incomex/docker/.env /opt/incomex/secrets/.env.production | cut -d= -f2- ` +
            `| tr -d "'"); do grep -rlF -- "$v" ${folder}/revert /var/lib/cutter-ledger; done; true`,
        )
      ).stdout,
    ).toBe("");
  });

  it("the knowledge base holds the approval, its signature and the document; ledger and audit log tell the use", async () => {
    const ids = await sql(
      `select data ->> 'document_id' from public.kb_document
        where data ->> 'document_id' like '%/${runId.toLowerCase()}/%revert%' order by 1`,
      "agent_data",
    );
    expect(ids.split("\n").map((id) => id.slice(id.indexOf(runId.toLowerCase()) + runId.length + 1))).toEqual(
      expect.arrayContaining(["approvals/revert-asc.md", "approvals/revert.md", "revert.md"]),
    );
    expect((await onHost("cat /var/lib/cutter-ledger/audit.jsonl")).stdout).toContain('"action":"revert","run_id":"' + runId);
    expect((await onHost("cat /var/lib/cutter-ledger/spent.jsonl")).stdout).toContain('"gate":"REVERT"');
  });

  it("a second call, by the same spent approval, says so and changes nothing", async () => {
    const census = await readCensus();
    const { code, output } = await revert(file);
    expect(output).toContain("used before");
    expect(output).toContain("already reverted");
    expect(code).toBe(0);
    expect(await readCensus()).toEqual(census);
  });

  it("--render gives one file that psql applies as it is, and that finds nothing left to do", async () => {
    const rendered = await onHost(`cutter revert --run-id ${runId} --render 2>/dev/null`);
    expect(await sql(`begin;\n${rendered.stdout}\ncommit;`)).toContain("3|0|3");
  });
});
