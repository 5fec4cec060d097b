// Whoever does what explain says, and reads nothing else, ends every run: killed in any place, with the latch on, after a reboot.
import { afterAll, describe, expect, it } from "vitest";
import { follow } from "../../support/follow.ts";
import { LiveOperator } from "../../support/worlds/live-operator.ts";
import { forkLiveWorld, makeLiveWorld, type KillAt, type LiveWorld } from "../../support/worlds/live-world.ts";
import { documentBody, documentId } from "../../support/worlds/world.ts";

const template = await makeLiveWorld();
afterAll(() => template.remove());
const at =
  (name: string, phase: string): KillAt =>
  (met, where) =>
    met === name && where === phase;

async function inWorld(work: (operator: LiveOperator, live: LiveWorld) => Promise<void>, gates?: readonly ("SG_1" | "SG_2")[]) {
  const live = await forkLiveWorld(template);
  try {
    await work(new LiveOperator(live, gates), live);
  } finally {
    await live.remove();
  }
}
const effects = ["SG_1", "cut_leg_a", "leg_b_record", "write_verify", "SG_2", "lifecycle_enact"];
const enable = "runbooks/enable --run-id run-1 --ruling approvals/run-1/run-1.RULING.md";
const start = "runbooks/start-run --run-id run-1";

describe("explain, followed blindly", () => {
  it("enables, starts and ends a run that was only prepared", () =>
    inWorld(async (operator, { cut }) => {
      const { steps, end } = await follow(operator);
      const both = "--approval approvals/run-1/run-1.SG_1.md --approval approvals/run-1/run-1.SG_2.md";
      expect([steps, end.why, cut.commits]).toEqual([[`${enable} ${both}`, start], expect.stringMatching(/^it is done/), effects]);
    }));

  it.each([
    ["before_phase", "source_pin"],
    ["commit_judged", "cut_leg_a"],
    ["effect_applied", "cut_leg_a"],
    ["uploaded", "structural_verify"],
    ["transaction_recorded", "SG_2"],
    ["receipt_recorded", "closeout"],
  ])("ends a run that was killed at %s of %s, each effect once", (name, phase) =>
    inWorld(async (operator, { cut }) => {
      expect(await operator.startUntil(at(name, phase))).toBe(true);
      const { steps, end } = await follow(operator);
      expect([steps, end.why, cut.commits]).toEqual([[enable, start], expect.stringMatching(/^it is done/), effects]);
    }),
  );

  it("ends a run that was killed before its journal had a line", () =>
    inWorld(async (operator, { cut }) => {
      expect(await operator.startUntil((name, kind) => name === "appended" && kind === "run_started")).toBe(true);
      expect((await follow(operator)).end.why).toMatch(/^it is done/);
      expect(cut.commits).toEqual(effects);
    }));

  it("lifts the latch first, and goes on after a reboot that took token and result", () =>
    inWorld(async (operator, { cut }) => {
      await operator.startUntil(at("uploaded", "leg_b_record"));
      operator.latch();
      operator.reboot();
      const { steps } = await follow(operator);
      expect([steps, cut.commits]).toEqual([["runbooks/disable --clear", enable, start], effects]);
    }));

  it("gives a run up that has written nothing and whose document has moved since it was signed", () =>
    inWorld(async (operator, { cut, world }) => {
      await world.ports.knowledgeBase.write({ id: documentId, title: "A document", body: `${documentBody} and more`, tags: [] });
      await operator.startUntil(() => false);
      const { steps, end } = await follow(operator);
      const given = ["cutter orchestrate void --run-id run-1"];
      expect([steps, end.why, cut.commits]).toEqual([given, expect.stringMatching(/^it was given up/), []]);
    }));

  it("has SG_2 signed where it is missing", () =>
    inWorld(
      async (operator, { cut }) => {
        await operator.startUntil(() => false);
        const { steps } = await follow(operator);
        expect([steps, cut.commits]).toEqual([["sign SG_2", `${enable} --approval approvals/run-1/run-1.SG_2.md`, start], effects]);
      },
      ["SG_1"],
    ));

  it("has SG_3 signed where a write was refused, and where it was killed right after that was raised", () =>
    inWorld(async (operator, { cut }) => {
      cut.faults.push("none", "none", "refused");
      await operator.startUntil((name, kind) => name === "appended" && kind === "escalated");
      const { steps } = await follow(operator);
      expect([steps, cut.commits]).toEqual([["sign SG_3", `${enable} --approval approvals/run-1/run-1.SG_3.md`, start], effects]);
    }));
});
