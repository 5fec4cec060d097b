// The sovereign's gates in a live run: nothing without SG_1, waiting for SG_2, each judged again when it is acted upon, each UUID used
// once.
import { readdir, readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { toRequestApprovals } from "../../../orchestrator/core/approval/document-ids.ts";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { toStatus } from "../../../orchestrator/core/journal/status.ts";
import type { DocumentClaim } from "../../../orchestrator/ports/recorders.ts";
import { forkLiveWorld, makeLiveWorld, uuids, type LiveWorld } from "../../support/worlds/live-world.ts";
import { documentId } from "../../support/worlds/world.ts";
import { toRefusal } from "../../support/refusal-case.ts";

const template = await makeLiveWorld();
afterAll(() => template.remove());
let live: LiveWorld;
beforeEach(async () => {
  live = await forkLiveWorld(template);
});
afterEach(() => live.remove());

const readStatus = async () => toStatus(readChain(await readFile(`${live.folder}/runs/run-1/journal.jsonl`), "journal").records);
const fresh = "55555555-0000-4000-8000-000000000005";

describe("SG_1", () => {
  it("missing stops the run before phase 1 with exit 10, and nothing is computed or written", async () => {
    expect(await live.start()).toMatchObject({
      result: "stopped",
      code: "APPROVAL_MISSING",
      exit_code: 10,
      phases_done: 0,
      waits_on: null,
      facts: { gate: "SG_1" },
    });
    expect((await readStatus()).before).toBe(null);
    expect(live.cut.commits).toEqual([]);
  });

  it.each([
    ["for another run", { run_id: "run-2" }, "APPROVAL_FOR_ANOTHER field=run_id"],
    ["for another document", { document_id: "knowledge/other/b.md" }, "APPROVAL_FOR_ANOTHER field=document_id"],
    ["for another plan", { payload_sha: "f".repeat(64) }, "APPROVAL_OUTDATED field=payload_sha"],
    ["for another host", { host: "f".repeat(64) }, "APPROVAL_FOR_ANOTHER field=host"],
    ["for another release", { release_sha256: "f".repeat(64) }, "APPROVAL_OUTDATED field=release_sha256"],
    ["of another gate", { gate: "SG_2", phase: "lifecycle_enact" }, "APPROVAL_FOR_ANOTHER field=gate"],
    ["older than 24 hours", { issued_at: "2026-11-21T09:59:59Z" }, "APPROVAL_TOO_OLD"],
    ["with the ruling's UUID", { review_decision_id: uuids.RULING }, "APPROVAL_UUID_REUSED reason=collapsed"],
  ])("%s stops the run with exit 10 before phase 1", async (_what, change, code) => {
    await live.approve("SG_1", change);
    expect(await live.start()).toMatchObject({ result: "stopped", ...toRefusal(code), exit_code: 10, phases_done: 0 });
    expect(live.cut.commits).toEqual([]);
  });

  it("without its signature, or with a stranger's, stops the run with exit 10", async () => {
    await live.approve("SG_1");
    const signatureId = toRequestApprovals(live.world.config.kb_runs_folder, "run-1").SG_1.replace(".md", "-asc.md");
    const document = (await live.world.readKb(toRequestApprovals(live.world.config.kb_runs_folder, "run-1").SG_1)) ?? "";
    await live.world.ports.knowledgeBase.write({
      id: signatureId,
      title: "s",
      body: await live.stranger.sign(document, new Date("2026-11-22T10:00:00Z")),
      tags: [],
    });
    expect(await live.start()).toMatchObject({ code: "APPROVAL_SIGNER_NOT_PINNED", exit_code: 10 });
    const { knowledgeBase } = live.world.ports;
    const unsigned = { ...knowledgeBase, read: async (id: string) => (id === signatureId ? null : await knowledgeBase.read(id)) };
    expect(await live.start({ ports: { knowledgeBase: unsigned } })).toMatchObject({
      code: "APPROVAL_SIGNATURES_WRONG",
      facts: { reason: "missing" },
      exit_code: 10,
    });
  });

  it("is judged again at its own step: withdrawn in between, nothing is written", async () => {
    await live.approve("SG_1");
    const id = toRequestApprovals(live.world.config.kb_runs_folder, "run-1").SG_1;
    let withdrawn = false;
    const { knowledgeBase } = live.world.ports;
    const read = async (asked: string) => {
      const document = await knowledgeBase.read(asked);
      return withdrawn && asked === id && document !== null ? { ...document, body: "withdrawn" } : document;
    };
    const outcome = await live.start({
      ports: { knowledgeBase: { ...knowledgeBase, read } },
      killAt: (name, phase) => ((withdrawn ||= name === "receipt_recorded" && phase === "grant_probe"), false),
    });
    expect(outcome).toMatchObject({ code: "APPROVAL_TEXT_INVALID", facts: { reason: "block" }, exit_code: 10, phase: "cut_leg_a" });
    expect(live.cut.commits).toEqual([]);
  });

  it("that has become too old when its cut is to be committed is rolled back and goes to the sovereign", async () => {
    await live.approve("SG_1");
    await live.approve("SG_2");
    const outcome = await live.start({
      killAt: (name, step) => (
        name === "transaction_recorded" && step === "cut_leg_a" ? live.world.clock.advance(24 * 3_600_000 + 1000) : null,
        false
      ),
    });
    expect(outcome).toMatchObject({ code: "APPROVAL_TOO_OLD", exit_code: 20, waits_on: "SG_3" });
    expect(live.cut.commits).toEqual(["SG_1"]);
  });

  it("whose UUID stands in the database for another decision is spent", async () => {
    await live.approve("SG_1");
    live.cut.rows.decisions.push({
      id: uuids.SG_1,
      sourceDocumentId: "99999999-1111-4111-8111-111111111111",
      phase: "cut_leg_a",
      gate: "SG_1",
      runId: "run-0",
      decision: "approve",
      payloadSha: "0".repeat(64),
      approvalKbId: "knowledge/a.md",
      approvalSha256: "0".repeat(64),
    });
    expect(await live.start()).toMatchObject({ code: "APPROVAL_UUID_REUSED", facts: { reason: "spent" }, exit_code: 10 });
    await live.approve("SG_1", { review_decision_id: fresh });
    await live.approve("SG_2");
    expect(await live.start()).toMatchObject({ result: "done" });
  });
});

describe("SG_2", () => {
  beforeEach(() => live.approve("SG_1"));

  it("missing lets the run wait with exit 20, raising nothing; once it is there the next start finishes", async () => {
    expect(await live.start()).toMatchObject({
      result: "waiting",
      code: "APPROVAL_MISSING",
      exit_code: 20,
      waits_on: "SG_2",
      phase: "lifecycle_enact",
      phases_done: 9,
    });
    expect((await readStatus()).escalation).toBe(null);
    await live.approve("SG_2");
    expect(await live.start()).toMatchObject({ result: "done", exit_code: 0 });
  });

  it.each([
    ["13 hours old", { issued_at: "2026-11-21T21:00:00Z" }, "APPROVAL_TOO_OLD"],
    ["with SG_1's UUID", { review_decision_id: uuids.SG_1 }, "APPROVAL_UUID_REUSED reason=collapsed"],
    ["for another plan", { payload_sha: "f".repeat(64) }, "APPROVAL_OUTDATED field=payload_sha"],
  ])("%s is waited for with exit 20 until a fit one stands there", async (_what, change, code) => {
    await live.approve("SG_2", change);
    expect(await live.start()).toMatchObject({ result: "waiting", ...toRefusal(code), exit_code: 20, waits_on: "SG_2" });
    await live.approve("SG_2");
    expect(await live.start()).toMatchObject({ result: "done" });
  });

  it("of a batch is kept under its digest, and tells which of its entries was used how far", async () => {
    const entries = [
      {
        run_id: "run-2",
        document_id: "knowledge/other/b.md",
        phase: "lifecycle_enact",
        payload_sha: "e".repeat(64),
        review_decision_id: fresh,
      },
    ];
    await live.approve("SG_2", { entries });
    expect(
      await live.start({
        killAt: (name, step) => (name === "effect_intended" && step === "lifecycle_enact" ? (live.enabled = false) : null, false),
      }),
    ).toMatchObject({ code: "EXECUTION_REVOKED" });
    const [name = ""] = await readdir(`${live.folder}/batches`);
    const read = async () =>
      JSON.parse(await readFile(`${live.folder}/batches/${name}`, "utf8")).entries.map(
        ({ run_id, state }: { run_id: string; state: string }) => `${run_id} ${state}`,
      );
    expect(name).toBe(`${(await readStatus()).decided.SG_2?.document_sha256 ?? ""}.json`);
    expect(await read()).toEqual(["run-1 recorded", "run-2 open"]);
    live.enabled = true;
    expect(await live.start()).toMatchObject({ result: "done" });
    expect(await read()).toEqual(["run-1 enacted", "run-2 open"]);
  });
});

describe("an approval the run already relies on", () => {
  it("is taken from the run's folder after a crash, even when another one was signed meanwhile", async () => {
    await live.approve("SG_1");
    await live.approve("SG_2");
    await live.start({ killAt: (name, step) => name === "effect_applied" && step === "SG_1" }).catch(() => null);
    await live.approve("SG_1", { review_decision_id: fresh });
    expect(await live.start()).toMatchObject({ result: "done" });
    expect(live.cut.rows.decisions.map(({ id }) => id)).toEqual([uuids.SG_1, uuids.SG_2]);
    expect((await readdir(`${live.folder}/runs/run-1/approvals`)).filter((name) => name.startsWith("sg-1"))).toHaveLength(2);
  });

  it("and that was intended but never landed gives way to the newer one", async () => {
    await live.approve("SG_1");
    await live.approve("SG_2");
    await live.start({ killAt: (name, step) => name === "commit_judged" && step === "SG_1" }).catch(() => null);
    await live.approve("SG_1", { review_decision_id: fresh });
    expect(await live.start()).toMatchObject({ result: "done" });
    expect(live.cut.rows.decisions.map(({ id }) => id)).toEqual([fresh, uuids.SG_2]);
  });
});

describe("the ruling", () => {
  beforeEach(async () => {
    await live.approve("SG_1");
    await live.approve("SG_2");
  });

  it.each([
    ["other grants", { grant_matrix_sha256: "f".repeat(64) }, "APPROVAL_OUTDATED field=grant_matrix_sha256"],
    ["another principal", { governance_principal: "cutter_exec" }, "APPROVAL_OUTDATED field=governance_principal"],
    ["other bytes of the document", { document_sha256: "f".repeat(64) }, "APPROVAL_OUTDATED field=document_sha256"],
    ["another plan", { payload_sha: "f".repeat(64) }, "APPROVAL_OUTDATED field=payload_sha"],
  ])("that names %s stops the run with exit 10", async (_what, change, code) => {
    live.token = { ...live.token, ruling: await live.signRuling(change) };
    expect(await live.start()).toMatchObject({ ...toRefusal(code), exit_code: 10 });
    expect(live.cut.commits).toEqual([]);
  });

  it("for a plan that is not the one computed now stops the run before anything is made of it", async () => {
    const payloadSha = "f".repeat(64);
    live.token = { ...live.token, payloadSha, ruling: await live.signRuling({ payload_sha: payloadSha }) };
    await live.approve("SG_1", { payload_sha: payloadSha });
    expect(await live.start()).toMatchObject({
      code: "PAYLOAD_CHANGED",
      exit_code: 10,
      phase: "cutplan",
      facts: { approved_sha: payloadSha, computed_sha: live.payloadSha },
    });
    expect(live.world.backups.made).toEqual([]);
  });

  it("stands in the journal once for each start, with its signatures beside it in the run's folder", async () => {
    live.enabled = true;
    await live.start({ killAt: (name, phase) => name === "uploaded" && phase === "mark" }).catch(() => null);
    await live.start();
    const { records } = readChain(await readFile(`${live.folder}/runs/run-1/journal.jsonl`), "journal");
    const rulings = records.flatMap(({ entry }) => (entry.kind === "approval_verified" && entry.gate === "RULING" ? [entry] : []));
    expect(rulings).toHaveLength(2);
    const kept = await readdir(`${live.folder}/runs/run-1/approvals`);
    for (const gate of ["ruling", "sg-1", "sg-2"])
      expect(kept.filter((name) => name.startsWith(gate)).map((name) => name.replace(/-[0-9a-f]{12}/, ""))).toEqual([
        `${gate}.md`,
        `${gate}.md.sovereign.asc`,
      ]);
  });
});

describe("what else keeps a live run from writing", () => {
  beforeEach(async () => {
    await live.approve("SG_1");
    await live.approve("SG_2");
  });
  const claim = (change: Partial<DocumentClaim>): DocumentClaim => ({
    runId: "run-0",
    reviewDecisionId: fresh,
    unitsCreated: 0,
    unitsEnacted: 0,
    unitsRetired: 0,
    voided: false,
    ...change,
  });
  const closeoutId = "knowledge/current-state/cutter-runs/run-0/11-closeout.md";

  it.each([
    ["has created nothing yet", claim({}), false],
    ["has created units", claim({ unitsCreated: 5 }), false],
    ["has enacted some units", claim({ unitsCreated: 5, unitsEnacted: 4 }), true],
    ["has enacted all units and is not closed out", claim({ unitsCreated: 5, unitsEnacted: 5 }), false],
    ["has retired some of its units", claim({ unitsCreated: 5, unitsRetired: 4 }), true],
  ])("another run that %s holds its claim: exit 30", async (_what, other, closedOut) => {
    live.cut.claims = [other];
    if (closedOut) await live.world.ports.knowledgeBase.write({ id: closeoutId, title: "c", body: "closed", tags: [] });
    expect(await live.start()).toMatchObject({
      code: "DOCUMENT_CLAIMED_BY_RUN",
      exit_code: 30,
      phases_done: 0,
      facts: { run_id: "run-0", document_id: documentId },
    });
    expect(live.cut.commits).toEqual([]);
  });

  it("another run that was given up, reverted or closed out does not", async () => {
    live.cut.claims = [
      claim({ voided: true }),
      claim({ runId: "run-a", unitsCreated: 5, unitsRetired: 5 }),
      claim({ unitsCreated: 5, unitsEnacted: 5 }),
    ];
    await live.world.ports.knowledgeBase.write({ id: closeoutId, title: "c", body: "closed", tags: [] });
    expect(await live.start()).toMatchObject({ result: "done" });
  });

  it.each([
    ["database", 61_000, null],
    ["knowledge base", 0, -61_000],
  ])("a %s clock more than a minute away", async (name, databaseMs, kbMs) => {
    const { knowledgeBase, clock } = live.world.ports;
    const at = (ms: number) => new Date(clock.now().getTime() + ms);
    const ports = { knowledgeBase: { ...knowledgeBase, readDate: async () => (kbMs === null ? null : at(kbMs)) } };
    const arrange = ({ database }: LiveWorld["world"]) =>
      void (database.server = { ...database.server, now: at(databaseMs).toISOString() });
    expect(await live.start({ arrange, ports })).toMatchObject({
      code: "CLOCKS_DISAGREE",
      exit_code: 10,
      facts: { clock: name, seconds: 61 },
    });
  });

  it("the hard cap, once something is written: exit 20 at the next checkpoint, resumable, raising nothing", async () => {
    const outcome = await live.start({
      killAt: (name, phase) => (name === "observed" && phase === "structural_verify" ? live.world.clock.advance(61 * 60_000) : null, false),
    });
    expect(outcome).toMatchObject({ code: "RUN_HARD_CAP_REACHED", exit_code: 20, waits_on: null, phase: "structural_verify" });
    expect(await live.start()).toMatchObject({ result: "done" });
  });

  it("an outage of the knowledge base, once something is written: exit 20 and what it waits on", async () => {
    const outcome = await live.start({
      killAt: (name, phase) => (name === "done_recorded" && phase === "cut_leg_a" ? (live.world.outage.on = "writes") : null, false),
    });
    expect(outcome).toMatchObject({ result: "waiting", code: "KB_UNAVAILABLE", exit_code: 20, waits_on: "knowledge_base" });
    expect(await live.start()).toMatchObject({ result: "done" });
  });

  it("notify_command is told of the stop by names and codes alone; its failure changes nothing", async () => {
    await live.withdraw("SG_2");
    const told: object[] = [];
    const notify = async (stop: object) => {
      told.push(stop);
      throw new Error("no mail today");
    };
    expect(await live.start({ ports: { notify } })).toMatchObject({ exit_code: 20, waits_on: "SG_2" });
    expect(told).toEqual([{ runId: "run-1", code: "APPROVAL_TEXT_INVALID", exitCode: 20, waitsOn: "SG_2" }]);
    expect(live.world.events).toContainEqual(expect.objectContaining({ kind: "warning", code: "NOTIFY_FAILED" }));
  });
});
