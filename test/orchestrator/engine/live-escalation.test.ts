// SG_3: a failure after something was written waits for the sovereign; resume goes on, void gives up, and nothing else moves the run.
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { codes } from "../../../orchestrator/core/codes/index.ts";
import { interruptions } from "../../../orchestrator/core/run/escalation.ts";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { toStatus } from "../../../orchestrator/core/journal/status.ts";
import { forkLiveWorld, makeLiveWorld, uuids, type LiveWorld } from "../../support/worlds/live-world.ts";
import { toRefusal } from "../../support/refusal-case.ts";

const template = await makeLiveWorld();
await template.approve("SG_1");
await template.approve("SG_2");
afterAll(() => template.remove());
let live: LiveWorld;
beforeEach(async () => {
  live = await forkLiveWorld(template);
});
afterEach(() => live.remove());

const readStatus = async () => toStatus(readChain(await readFile(`${live.folder}/runs/run-1/journal.jsonl`), "journal").records);
const carry = async (decision: "resume" | "void", phase: string, id?: string): Promise<void> => {
  live.token = {
    ...live.token,
    escalation: await live.signThird(decision, phase, id),
    escalationKbId: "knowledge/current-state/cutter-runs/run-1/approvals/sg-3-33333333.md",
  };
};
/** Fails cut_leg_a after SG_1's row stands. */
const failLegA = async (): Promise<void> => {
  live.cut.faults.push("none", "refused");
  expect(await live.start()).toMatchObject({
    result: "stopped",
    code: "DATABASE_QUERY_FAILED",
    exit_code: 20,
    waits_on: "SG_3",
    phase: "cut_leg_a",
  });
};
const second = "66666666-0000-4000-8000-000000000006";

describe("a phase that fails after something was written", () => {
  beforeEach(failLegA);

  it("is not tried again without a decision: exit 20, nothing written", async () => {
    expect(await live.start()).toMatchObject({ result: "stopped", code: "ESCALATION_OPEN", exit_code: 20, waits_on: "SG_3" });
    expect(live.cut.commits).toEqual(["SG_1"]);
  });

  it("goes on by a signed resume for that phase, and ends as done", async () => {
    await carry("resume", "cut_leg_a");
    expect(await live.start()).toMatchObject({ result: "done", exit_code: 0 });
    expect((await readStatus()).escalation).toMatchObject({
      phase: "cut_leg_a",
      code: "DATABASE_QUERY_FAILED",
      decision: { decision: "resume", review_decision_id: uuids.SG_3 },
    });
  });

  it.each([
    ["for another phase", "leg_b_record", undefined, "APPROVAL_FOR_ANOTHER field=phase"],
    ["with a UUID of another gate", "cut_leg_a", uuids.SG_1, "APPROVAL_UUID_REUSED reason=collapsed"],
  ])("does not go on by a resume %s", async (_what, phase, id, code) => {
    await carry("resume", phase, id);
    expect(await live.start()).toMatchObject({ ...toRefusal(code), exit_code: 20, waits_on: "SG_3" });
    expect(live.cut.commits).toEqual(["SG_1"]);
  });

  it("that fails again waits again, and the same decision does not count twice", async () => {
    await carry("resume", "cut_leg_a");
    live.cut.faults.push("refused");
    expect(await live.start()).toMatchObject({ code: "DATABASE_QUERY_FAILED", waits_on: "SG_3" });
    expect(await live.start()).toMatchObject({ code: "APPROVAL_UUID_REUSED", facts: { reason: "spent" }, exit_code: 20, waits_on: "SG_3" });
    await carry("resume", "cut_leg_a", second);
    expect(await live.start()).toMatchObject({ result: "done" });
  });

  it("is given up by a signed void: one row that releases the document, a run that never starts again", async () => {
    await carry("void", "cut_leg_a");
    expect(await live.start()).toMatchObject({ result: "voided", code: "RUN_VOIDED", exit_code: 10, phase: null, waits_on: null });
    expect(live.cut.rows.decisions.map(({ id, gate, phase, decision }) => [id, gate, phase, decision])).toEqual([
      [uuids.SG_1, "SG_1", "cut_leg_a", "approve"],
      [uuids.SG_3, "SG_3", "void", "void"],
    ]);
    const journal = await readFile(`${live.folder}/runs/run-1/journal.jsonl`, "utf8");
    expect(await live.start()).toMatchObject({ result: "voided", exit_code: 10 });
    expect(await readFile(`${live.folder}/runs/run-1/journal.jsonl`, "utf8")).toBe(journal);
    expect(live.cut.commits).toEqual(["SG_1", "SG_3"]);
  });

  it.each(["effect_intended", "permission_made", "transaction_recorded", "commit_judged", "effect_applied", "effect_recorded"])(
    "killed at %s of its giving-up is given up by the next start, with one row, and without the decision being shown again",
    async (boundary) => {
      await carry("void", "cut_leg_a");
      await live.start({ killAt: (name, step) => name === boundary && step === "SG_3" }).catch(() => null);
      live.token = { ...live.token, escalation: null };
      expect(await live.start()).toMatchObject({ result: "voided" });
      expect(live.cut.commits).toEqual(["SG_1", "SG_3"]);
    },
  );
});

it("a void that has grown too old before its row stood gives way to a fresher void, and to no resume", async () => {
  await failLegA();
  await carry("void", "cut_leg_a");
  await live.start({ killAt: (name, step) => name === "permission_made" && step === "SG_3" }).catch(() => null);
  const late = {
    arrange: ({ clock, database }: LiveWorld["world"]) => (
      clock.advance(13 * 3_600_000),
      void (database.server = { ...database.server, now: clock.now().toISOString() })
    ),
  };
  expect(await live.start(late)).toMatchObject({ code: "APPROVAL_TOO_OLD", exit_code: 20 });
  const at = new Date("2026-11-22T22:30:00Z");
  const sign = async (decision: "resume" | "void") =>
    void (live.token = { ...live.token, escalation: await live.signThird(decision, "cut_leg_a", second, at) });
  await sign("resume");
  expect(await live.start(late)).toMatchObject({ code: "APPROVAL_FOR_ANOTHER", facts: { field: "decision" }, exit_code: 20 });
  await sign("void");
  expect(await live.start(late)).toMatchObject({ result: "voided" });
  expect(live.cut.rows.decisions.at(-1)).toMatchObject({ id: second, decision: "void" });
  expect(live.cut.commits).toEqual(["SG_1", "SG_3"]);
});

it("a void is refused while units of the run stand, and done once they are reverted", async () => {
  live.cut.faults.push("none", "none", "refused");
  expect(await live.start()).toMatchObject({ phase: "leg_b_record", waits_on: "SG_3" });
  await carry("void", "leg_b_record");
  expect(await live.start()).toMatchObject({ code: "VOID_EFFECTS_STAND", exit_code: 20, waits_on: "SG_3" });
  live.cut.retire("run-1");
  expect(await live.start()).toMatchObject({ result: "voided" });
  expect(live.cut.rows.decisions.at(-1)).toMatchObject({ gate: "SG_3", decision: "void" });
});

it("rows that were taken away behind the journal's back are a conflict with all three values, exit 30, and the sovereign's to decide", async () => {
  await live.start({ killAt: (name, step) => name === "effect_applied" && step === "cut_leg_a" }).catch(() => null);
  live.cut.rows.units.splice(1, 1);
  const outcome = await live.start();
  expect(outcome).toMatchObject({ code: "STOP_REPLAY_CONFLICT", exit_code: 30, waits_on: "SG_3", phase: "cut_leg_a" });
  for (const name of ["journal", "unique", "recorder"]) expect(outcome.facts[name]).toMatch(/^(intended|partial)\(/);
});

it("a lost transaction that the server calls committed, while nothing of it stands, is a conflict", async () => {
  await live.start({ killAt: (name, step) => name === "effect_applied" && step === "cut_leg_a" }).catch(() => null);
  live.cut.rows.units.splice(0);
  expect(await live.start()).toMatchObject({
    code: "STOP_REPLAY_CONFLICT",
    exit_code: 30,
    facts: { pg_xact_status: "committed", recorder: "none" },
  });
});

it("a transaction of an earlier start that is still in progress is waited for by a person, never guessed", async () => {
  await live.start({ killAt: (name, step) => name === "commit_judged" && step === "cut_leg_a" }).catch(() => null);
  const [id] = (await readStatus()).effects.cut_leg_a.transactions;
  live.cut.statusOf.set(id ?? "", "in progress");
  expect(await live.start()).toMatchObject({ code: "COMMIT_UNKNOWN", exit_code: 30, facts: { transaction: id }, waits_on: null });
  live.cut.statusOf.set(id ?? "", "aborted");
  expect(await live.start()).toMatchObject({ result: "done" });
});

it("every code that counts as an interruption stands in the registry", () => {
  expect(interruptions.filter((code) => !(code in codes))).toEqual([]);
});
