// What can go wrong between intent and record of an effect: lost answers, a silent database, refusals, revocation. Generic over the
// effects.
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { readFile } from "node:fs/promises";
import { codes } from "../../../orchestrator/core/codes/index.ts";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { toStatus, type RunStatus } from "../../../orchestrator/core/journal/status.ts";
import { effectSteps, type EffectStep } from "../../../orchestrator/core/journal/effect.ts";
import type { Fault } from "../../support/worlds/fake-cut.ts";
import { forkLiveWorld, makeLiveWorld, type LiveWorld } from "../../support/worlds/live-world.ts";

const template = await makeLiveWorld();
await template.approve("SG_1");
await template.approve("SG_2");
afterAll(() => template.remove());
let live: LiveWorld;
beforeEach(async () => {
  live = await forkLiveWorld(template);
});
afterEach(() => live.remove());

const plan = (step: EffectStep, ...faults: readonly Fault[]): void =>
  void live.cut.faults.push(...effectSteps.slice(0, effectSteps.indexOf(step)).map(() => "none" as const), ...faults);
const readStatus = async (): Promise<RunStatus> =>
  toStatus(readChain(await readFile(`${live.folder}/runs/run-1/journal.jsonl`), "journal").records);

describe.each(effectSteps)("%s", (step) => {
  it("whose COMMIT landed but was not answered is asked after, taken as done and not repeated", async () => {
    plan(step, "lost after");
    expect(await live.start()).toMatchObject({ result: "done", exit_code: 0 });
    expect(live.cut.commits).toEqual(effectSteps);
    expect((await readStatus()).effects[step]).toMatchObject({ state: "done", found: "already_there" });
  });

  it("that was committed before a crash is taken as done by the next start, which says so", async () => {
    await live.start({ killAt: (name, at) => name === "effect_applied" && at === step }).catch(() => null);
    expect(await live.start()).toMatchObject({ result: "done", exit_code: 0 });
    expect(live.cut.commits).toEqual(effectSteps);
    expect(live.world.events).toContainEqual(expect.objectContaining({ kind: "warning", code: "EFFECT_TAKEN_AS_DONE" }));
  });

  it("whose COMMIT never arrived is asked after, found absent and done once more", async () => {
    plan(step, "lost before");
    expect(await live.start()).toMatchObject({ result: "done", exit_code: 0 });
    expect(live.cut.commits).toEqual(effectSteps);
    expect((await readStatus()).effects[step]).toMatchObject({ state: "done", found: "committed" });
    expect((await readStatus()).effects[step].transactions).toHaveLength(2);
  });

  it("whose COMMIT is lost twice is not tried for ever: nothing of it stands, and the next start does it", async () => {
    plan(step, "lost before", "lost before");
    expect(await live.start()).toMatchObject({
      result: "stopped",
      code: "DATABASE_UNREACHABLE",
      exit_code: step === "SG_1" ? 10 : 20,
      waits_on: null,
    });
    expect(live.cut.commits).toEqual(effectSteps.slice(0, effectSteps.indexOf(step)));
    expect(await live.start()).toMatchObject({ result: "done" });
    expect(live.cut.commits).toEqual(effectSteps);
  });

  it.each(["lost before", "lost after"] as const)(
    "whose COMMIT is %s, in front of a database that stays silent, is stuck with its transaction id until it can be asked",
    async (fault) => {
      plan(step, fault);
      const write = live.cut.writeDatabase;
      const silent =
        <Args extends unknown[]>(call: (...args: Args) => Promise<void>) =>
        async (...args: Args): Promise<void> =>
          call(...args).catch((error: unknown) => {
            live.cut.silentReads = 100;
            throw error;
          });
      const writeDatabase = {
        insertReviewDecision: silent(write.insertReviewDecision),
        createUnits: silent(write.createUnits),
        recordLegB: silent(write.recordLegB),
        insertVerifyResult: silent(write.insertVerifyResult),
        enactUnits: silent(write.enactUnits),
        close: write.close,
      };
      const stuck = await live.start({ ports: { writeDatabase } });
      const [transaction] = (await readStatus()).effects[step].transactions;
      expect(transaction).toMatch(/^\d+$/);
      expect(stuck).toMatchObject({
        result: "stopped",
        code: "COMMIT_UNKNOWN",
        exit_code: 30,
        facts: { step, transaction, pg_xact_status: "unknown" },
      });
      expect((await readStatus()).escalation).toBe(null);
      live.cut.silentReads = 0;
      expect(await live.start()).toMatchObject({ result: "done", exit_code: 0 });
      expect(live.cut.commits).toEqual(effectSteps);
      expect((await readStatus()).effects[step].found).toBe(fault === "lost after" ? "already_there" : "committed");
    },
  );

  it("refused by the database is rolled back: exit 10 before anything is written, afterwards the sovereign's to decide", async () => {
    plan(step, "refused");
    const outcome = await live.start();
    expect(outcome).toMatchObject({
      result: "stopped",
      code: "DATABASE_QUERY_FAILED",
      exit_code: step === "SG_1" ? 10 : 20,
      waits_on: step === "SG_1" ? null : "SG_3",
    });
    const status = await readStatus();
    expect(status.effects[step]).toMatchObject({ state: "intended", pending: false });
    expect(status.escalation === null).toBe(step === "SG_1");
  });

  it.each(["permission_made", "transaction_recorded"] as const)(
    "revoked at %s is rolled back, raises nothing, and goes on once enabled again",
    async (boundary) => {
      const outcome = await live.start({ killAt: (name, where) => (name === boundary && where === step ? (live.enabled = false) : false) });
      expect(outcome).toMatchObject({ result: "stopped", code: "EXECUTION_REVOKED", exit_code: step === "SG_1" ? 10 : 20, waits_on: null });
      expect(live.cut.commits).not.toContain(step);
      expect((await readStatus()).escalation).toBe(null);
      live.enabled = true;
      expect(await live.start()).toMatchObject({ result: "done", exit_code: 0 });
      expect(live.cut.commits).toEqual(effectSteps);
    },
  );

  it("is not committed by a run whose document lock broke, nor under another token", async () => {
    await live.start({
      killAt: (name, where) => (name === "transaction_recorded" && where === step ? ((live.cut.lockLost = true), false) : false),
    });
    expect(live.cut.commits).not.toContain(step);
    live.cut.lockLost = false;
    const { token } = live;
    const other = await live.signRuling({ why_harmless: "Another ruling of the same run." });
    const replaced = await live.start({
      killAt: (name, where) =>
        name === "transaction_recorded" && where === step ? ((live.token = { ...token, ruling: other }), false) : false,
    });
    expect(replaced).toMatchObject({ code: "EXECUTION_REVOKED", facts: { problem: "its token was replaced" } });
    expect(live.cut.commits).not.toContain(step);
    expect(await live.start()).toMatchObject({ result: "done" });
  });
});

it("a committed step that another login does not find says what was seen, and never that it was rolled back", async () => {
  const { recorders } = live.cut;
  const blind = {
    ...recorders,
    readUnits: async (documentId: string, runId: string) =>
      live.cut.commits.includes("cut_leg_a") ? [] : await recorders.readUnits(documentId, runId),
  };
  const outcome = await live.start({ ports: { recorders: blind } });
  expect(live.cut.commits).toEqual(["SG_1", "cut_leg_a"]);
  expect(outcome).toMatchObject({ code: "READ_BACK_DIFFERS", exit_code: 20, facts: { step: "cut_leg_a", found: 0 }, waits_on: "SG_3" });
  expect(codes.READ_BACK_DIFFERS.remedy).toContain("the step had committed, and nothing of it was rolled back");
});
