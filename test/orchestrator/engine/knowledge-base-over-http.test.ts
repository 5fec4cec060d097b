// The engine's stories with the knowledge base over HTTPS, as production has it: one index for all runs, approvals replaced, odd rows,
// outages, two processes of one server.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { openAgentData } from "../../../orchestrator/adapters/agent-data/agent-data.ts";
import { toRequestApprovals, toSignatureId } from "../../../orchestrator/core/approval/document-ids.ts";
import { Secret } from "../../../orchestrator/core/host/secret.ts";
import { putIndexEntry } from "../../../orchestrator/uploads/runs-index.ts";
import { runPhases } from "../../../orchestrator/engine/run.ts";
import type { Clock } from "../../../orchestrator/ports/clock.ts";
import type { KnowledgeBase } from "../../../orchestrator/ports/knowledge-base.ts";
import type { RunEvent } from "../../../orchestrator/ports/reporter.ts";
import { ruling, sg1, toDocument } from "../../support/approval-material.ts";
import { startPostgres, type TestPostgres } from "../../support/database/postgres.ts";
import { startTestKnowledgeBase, whileRowIsHeld, type TestKnowledgeBase } from "../../support/test-knowledge-base.ts";
import { makeCli } from "../../support/worlds/cli.ts";
import { FakeClock } from "../../support/worlds/fake-clock.ts";
import { liveRunId, makeLiveWorld } from "../../support/worlds/live-world.ts";
import { documentBody, documentId, makeWorld, type World } from "../../support/worlds/world.ts";

const runsFolder = "knowledge/current-state/cutter-runs";
const indexId = `${runsFolder}/index.md`;
let postgres: TestPostgres;
let server: TestKnowledgeBase;
let knowledgeBase: KnowledgeBase;
beforeAll(async () => {
  postgres = await startPostgres({ ownServer: "it makes the role and the database agent_data" });
  server = await startTestKnowledgeBase(postgres);
  knowledgeBase = open(server);
}, 120_000);
afterAll(async () => {
  await knowledgeBase.close();
  await server.stop();
  await postgres.stop();
});
beforeEach(async () => {
  await change("truncate public.kb_document").catch(() => undefined); // no table yet: nothing to forget
  await knowledgeBase.write({ id: documentId, title: "A harmless document", body: documentBody, tags: [] });
});
afterEach(() => server.setFault(null));

/** Without the server's clock: a world has a time of its own. */
function open(at: TestKnowledgeBase): KnowledgeBase {
  const { baseUrl, caFile, relay, apiKey } = at;
  const { readDate: _, ...opened } = openAgentData({ baseUrl, caFile, relay, apiKey: new Secret(apiKey), timeoutMs: 10_000 });
  return opened;
}

async function change(sql: string, values: readonly unknown[] = []): Promise<void> {
  const admin = await postgres.connect("workflow_admin", { database: "agent_data" });
  await admin.query(sql, [...values]).finally(() => admin.end());
}

const readIndex = async (): Promise<readonly string[]> =>
  ((await knowledgeBase.read(indexId))?.body ?? "").split("\n").flatMap((row) => /^\| (run-\S+) \|/.exec(row)?.[1] ?? []);

async function withWorld<Result>(work: (world: World, start: (runId: string) => ReturnType<World["start"]>) => Promise<Result>) {
  const made = await makeWorld();
  const world = { ...made, ports: { ...made.ports, knowledgeBase } };
  const start = (runId: string) => runPhases(world.toRun({ facts: { ...world.toRun().facts, runId } }), world.ports);
  return await work(world, start).finally(() => world.remove());
}

it("two dry runs in a row, and one that is stopped by an outage and started again, share one index", async () => {
  await withWorld(async (world, start) => {
    expect(await start("run-1.dryrun")).toMatchObject({ result: "done", exit_code: 0 });
    expect(await start("run-2.dryrun")).toMatchObject({ result: "done", exit_code: 0 });
    server.setFault({ status: 500, contentType: "application/json", body: '{"code":"INTERNAL"}', method: "PUT" });
    expect(await start("run-3.dryrun")).toMatchObject({
      exit_code: 11,
      code: "KB_UNAVAILABLE",
      waits_on: "knowledge_base",
      facts: { reason: "answers 500", status: 500, call: `PUT /documents/${indexId}` },
    });
    const told = world.events.find((event) => event.kind === "gate_waiting");
    expect(told).toMatchObject({
      phase: "runs_index",
      waitsOn: "knowledge_base",
      seen: `the knowledge base is reached and answers 500 to PUT /documents/${indexId}`,
      since: expect.stringMatching(/^2026-11-22T1\d:\d\d:\d\dZ$/),
      until: expect.stringMatching(/^2026-11-22T1\d:\d\d:\d\dZ$/),
    });
    expect(await readIndex()).toEqual(["run-2.dryrun", "run-1.dryrun"]);
    server.setFault(null);
    expect(await start("run-3.dryrun")).toMatchObject({ result: "done", exit_code: 0 });
    expect(await readIndex()).toEqual(["run-3.dryrun", "run-2.dryrun", "run-1.dryrun"]);
    expect((await knowledgeBase.read(indexId))?.revision).toBe(3);
  });
});

it("a live run is done after its dry run on one index", async () => {
  const live = await makeLiveWorld({ ports: { knowledgeBase } });
  try {
    for (const gate of ["SG_1", "SG_2"] as const) {
      await live.approve(gate);
      const id = toRequestApprovals(runsFolder, liveRunId)[gate];
      for (const one of [id, toSignatureId(id, gate, "sovereign")])
        await knowledgeBase.write({ id: one, title: gate, body: (await live.world.readKb(one)) ?? "", tags: [] });
    }
    expect(await live.start()).toMatchObject({ result: "done", exit_code: 0, code: null });
    expect(await readIndex()).toEqual([liveRunId, "run-1.dryrun"]);
  } finally {
    await live.remove();
  }
});

it("an outdated approval and its signature are replaced", async () => {
  await withWorld(async (world) => {
    const id = `${runsFolder}/run-1/approvals/sg-1.md`;
    let input = "";
    const engine = { ports: world.ports, close: () => Promise.resolve() };
    const cli = await makeCli(world, {
      clock: { ...world.clock, now: () => new Date(), monotonicMs: () => world.clock.monotonicMs(), wait: () => Promise.resolve() },
      readInput: () => Promise.resolve(Buffer.from(input)),
      openEngine: () => Promise.resolve(engine),
    });
    const store = (body: string, armor: string) => {
      const documents = [
        { id, title: "SG_1", body },
        { id: id.replace(".md", "-asc.md"), title: "signature", body: armor },
      ];
      input = JSON.stringify({ schema: "cutter.approval-envelope/1", run_id: "run-1", documents });
      return cli.run("approval", "upload", "--run-id", "run-1", "--json", "-");
    };
    expect(await store(toDocument(sg1({ issued_at: "2020-01-01T00:00:00Z" })).toString(), "first")).toMatchObject({ code: 0 });
    const fresh = toDocument(sg1()).toString();
    expect(await store(fresh, "second")).toMatchObject({ code: 0, stderr: "" });
    expect(await knowledgeBase.read(id)).toMatchObject({ revision: 2, body: fresh });
    expect(await knowledgeBase.read(id.replace(".md", "-asc.md"))).toMatchObject({ revision: 2, body: "second" });
    expect(await store(toDocument(ruling()).toString(), "third")).toMatchObject({ code: 10, stderr: expect.stringMatching(/^APPROVAL_/) });
  });
});

const put = (runId: string, at: KnowledgeBase, events: RunEvent[] = [], clock: Clock = new FakeClock()) =>
  putIndexEntry({
    id: indexId,
    entry: {
      runId,
      documentId,
      mode: "dryrun",
      result: "done",
      certificate: "pass",
      payloadSha: null,
      finishedAt: "2026-11-22T10:00:00.000Z",
      folderId: `${runsFolder}/${runId}`,
    },
    knowledgeBase: at,
    lock: () => Promise.resolve({ release: () => Promise.resolve() }), // of another host
    clock,
    reporter: { report: (event) => events.push(event) },
    waitAtMostMs: 60_000,
    signal: new AbortController().signal,
  });

/** Two writers whose pauses end only once both have written for the first time: what is under way lands during the pause. */
function untilBothWrote() {
  let tell = (): void => undefined;
  const bothWrote = new Promise<void>((resolve) => (tell = resolve));
  let writers = 0;
  const counted = (at: KnowledgeBase): KnowledgeBase => ({
    ...at,
    writeAt: async (document, revision) => {
      const written = await at.writeAt(document, revision);
      if ((writers += 1) === 2) tell();
      return written;
    },
  });
  const clock = new FakeClock();
  const pausing: Clock = {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    wait: async (ms) => await bothWrote.then(() => clock.wait(ms)),
  };
  return { counted, clock: pausing };
}

it("no line of the index is lost between two writers at two processes of the server that tells both of them 200", async () => {
  const beside = await startTestKnowledgeBase(postgres);
  const other = open(beside);
  const events: RunEvent[] = [];
  await put("run-0", knowledgeBase);
  const { counted, clock } = untilBothWrote();
  const receipts = await whileRowIsHeld(postgres, indexId, 2, () =>
    Promise.all([put("run-1", counted(knowledgeBase), events, clock), put("run-2", counted(other), events, clock)]),
  );
  expect([...(await readIndex())].sort()).toEqual(["run-0", "run-1", "run-2"]);
  expect(receipts.map(({ revision }) => revision)).toContain(3);
  expect(events.filter((event) => event.kind === "gate_waiting")).toMatchObject([{ seen: "somebody else writes it at the same time" }]);
  await other.close();
  await beside.stop();
});

it("a deleted index is begun anew, although the API patches deleted documents without a word", async () => {
  await put("run-1", knowledgeBase);
  await change("update public.kb_document set deleted_at = now() where data ->> 'document_id' = $1", [indexId]);
  expect(await knowledgeBase.writeAt({ id: indexId, title: "T", body: "over a deleted one", tags: [] }, 1)).toBeNull();
  expect(await knowledgeBase.read(indexId)).toBeNull();
  expect(await put("run-2", knowledgeBase)).toMatchObject({ revision: 1 });
  expect(await readIndex()).toEqual(["run-2"]);
});

it("target propose skips and names rows that it cannot use, and ranks the others", async () => {
  const rows: readonly (readonly [id: string, change: object, why: RegExp])[] = [
    ["knowledge/other/folder", {}, /its id is none/],
    ["knowledge/other/Upper.md", {}, /its id is none/],
    ["knowledge/other/\u001b[2Jescape.md", {}, /its id is none/],
    ["knowledge/other/no-revision.md", { revision: undefined }, /its revision is missing/],
    ["knowledge/other/revision-0.md", { revision: 0 }, /its revision is no number from 1 on/],
    ["knowledge/other/revision-text.md", { revision: "3" }, /its revision is no number from 1 on/],
    ["knowledge/other/revision-null.md", { revision: null }, /its revision is no number from 1 on/],
    ["knowledge/other/title-number.md", { metadata: { title: 5 } }, /its title is no text/],
    ["knowledge/other/content-number.md", { content: { mime_type: "text/plain", body: 5 } }, /it cannot be read: KB_ANSWER_INVALID/],
  ];
  for (const [id, part] of [...rows, ["knowledge/other/null-metadata.md", { metadata: null }] as const]) {
    const content = { mime_type: "text/markdown", body: documentId };
    const data = { document_id: id, parent_id: "knowledge/other", content, metadata: { title: "T" }, revision: 1, ...part };
    await change("insert into public.kb_document (key, data, updated_at) values ($1, $2, now())", [id.replaceAll("/", "__"), data]);
  }
  await withWorld(async (world) => {
    const ports = { ports: world.ports, close: () => Promise.resolve() };
    const cli = await makeCli(world, { openEngine: () => Promise.resolve(ports) });
    const ran = await cli.run("target", "propose", "--json");
    expect(ran.stderr).toBe("");
    const answer = JSON.parse(ran.stdout) as {
      readonly proposed: readonly { readonly document_id: string; readonly cautions: readonly string[] }[];
      readonly skipped: readonly { readonly document_id: string; readonly why: string }[];
      readonly skipped_count: number;
    };
    expect(answer.proposed.map(({ document_id }) => document_id)).toEqual([documentId]);
    expect(answer.proposed[0]?.cautions.join()).toContain("knowledge/other/null-metadata.md"); // a row of an older version, and usable
    expect(answer.skipped_count).toBe(rows.length);
    for (const [id, , why] of rows) expect(answer.skipped.find(({ document_id }) => document_id === id)?.why).toMatch(why);
    await change(
      "insert into public.kb_document select key || number, data, null, now() from public.kb_document, generate_series(1, 3) number",
    );
    const text = (await cli.run("target", "propose")).stdout;
    expect(text).toContain(`[WARN] not looked at: "knowledge/other/\\u001b[2Jescape.md": its id is none that this program can name`);
    expect(text.split("\n").filter((line) => line.startsWith("[WARN] not looked at:"))).toHaveLength(20);
    expect(text).toMatch(/\[WARN\] and \d+ more\n\[WARN\] \d+ documents were not looked at: whether they name a proposed one is not known/);
  });
});
