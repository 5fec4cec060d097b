// A signed void where no phase failed: a run that claimed its document and was cut off must be given up by it, never cut after all.
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { forkLiveWorld, makeLiveWorld, uuids, type LiveWorld } from "../../support/worlds/live-world.ts";

const template = await makeLiveWorld();
await template.approve("SG_1");
await template.approve("SG_2");
afterAll(() => template.remove());
let live: LiveWorld;
beforeEach(async () => {
  live = await forkLiveWorld(template);
});
afterEach(() => live.remove());

const carry = async (decision: "resume" | "void"): Promise<void> => {
  live.token = {
    ...live.token,
    escalation: await live.signThird(decision, "cut_leg_a"),
    escalationKbId: "knowledge/current-state/cutter-runs/run-1/approvals/sg-3-33333333.md",
  };
};

it("gives up a run that holds its claim and was killed before it cut", async () => {
  await live.start({ killAt: (name, step) => name === "effect_recorded" && step === "SG_1" }).catch(() => null);
  expect(live.cut.commits).toEqual(["SG_1"]);
  await carry("void");
  expect(await live.start()).toMatchObject({ result: "voided", code: "RUN_VOIDED", exit_code: 10 });
  expect(live.cut.commits).toEqual(["SG_1", "SG_3"]);
  expect(live.cut.rows.decisions.map(({ id, gate, decision }) => [id, gate, decision])).toEqual([
    [uuids.SG_1, "SG_1", "approve"],
    [uuids.SG_3, "SG_3", "void"],
  ]);
});

it.each(["transaction_recorded", "commit_judged", "effect_applied"])(
  "takes the claim for what stands after a kill at %s of SG_1, and never cuts",
  async (boundary) => {
    await live.start({ killAt: (name, step) => name === boundary && step === "SG_1" }).catch(() => null);
    const claimed = live.cut.commits.length === 1;
    await carry("void");
    expect(await live.start()).toMatchObject(
      claimed ? { result: "voided", exit_code: 10 } : { result: "stopped", code: "VOID_NOT_CLAIMED", exit_code: 10 },
    );
    expect(live.cut.commits).toEqual(claimed ? ["SG_1", "SG_3"] : []);
  },
);

it("does not begin a run that carries a void", async () => {
  await carry("void");
  expect(await live.start()).toMatchObject({ result: "stopped", code: "VOID_NOT_CLAIMED", exit_code: 10 });
  expect(live.cut.commits).toEqual([]);
});

it("is refused while units of the run stand, and what waits is not changed by it", async () => {
  await live.start({ killAt: (name, step) => name === "effect_recorded" && step === "cut_leg_a" }).catch(() => null);
  await carry("void");
  expect(await live.start()).toMatchObject({ result: "stopped", code: "VOID_EFFECTS_STAND", exit_code: 20, waits_on: null });
  live.token = { ...live.token, escalation: null };
  expect(await live.start()).toMatchObject({ result: "done" });
});

it("counts after an earlier failure was resumed and the run was cut off again", async () => {
  live.cut.faults.push("none", "refused");
  await live.start();
  await carry("resume");
  await live.start({ killAt: (name, step) => name === "effect_intended" && step === "cut_leg_a" }).catch(() => null);
  live.token = { ...live.token, escalation: await live.signThird("void", "cut_leg_a", "66666666-0000-4000-8000-000000000006") };
  expect(await live.start()).toMatchObject({ result: "voided" });
  expect(live.cut.commits).toEqual(["SG_1", "SG_3"]);
});
