// What another login reads back is compared with the plan in every respect: each single difference stops the run, is named, and needs SG_3.
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunOutcome } from "../../../orchestrator/core/run/outcome.ts";
import type { FakeCut, StoredUnit } from "../../support/worlds/fake-cut.ts";
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

/**
 * One start, in which `change` happens to the rows once the receipt of `phase` is on record: between two starts they would be asked again
 * at once.
 */
function startAndChangeAfter(phase: string, change: (cut: FakeCut) => void): Promise<RunOutcome> {
  return live.start({
    killAt: (name, at) => {
      if (name === "receipt_recorded" && at === phase) change(live.cut);
      return false;
    },
  });
}

const tamper =
  (change: (unit: StoredUnit) => StoredUnit) =>
  (cut: FakeCut): void => {
    cut.rows.units = cut.rows.units.map((unit, index) => (index === 1 ? change(unit) : unit));
  };

const differences: readonly (readonly [name: string, tamper: (cut: FakeCut) => void, check: RegExp])[] = [
  ["a unit is gone", (cut) => void cut.rows.units.pop(), /as many units/],
  ["a body was changed, its length kept", tamper((unit) => ({ ...unit, body: unit.body.replace("T", "t") })), /byte for byte/],
  ["a byte range was changed", tamper((unit) => ({ ...unit, byteEnd: unit.byteEnd + 1 })), /byte ranges/],
  [
    "a unit hangs elsewhere",
    tamper((unit) => ({
      ...unit,
      parent: null,
      ordinal: unit.ordinal,
      headingPath: unit.headingPath,
      address: unit.address,
      kind: "document",
    })),
    /addresses, kinds and ordinals/,
  ],
  ["a heading path was changed", tamper((unit) => ({ ...unit, headingPath: "elsewhere" })), /called for/],
  ["a unit came into force too early", tamper((unit) => ({ ...unit, lifecycleState: "enacted" })), /draft/],
];

describe("structural_verify", () => {
  it.each(differences)("stops when %s", async (_name, change, check) => {
    const ended = await startAndChangeAfter("cut_leg_a", change);
    expect(ended).toMatchObject({
      result: "stopped",
      code: "READ_BACK_DIFFERS",
      exit_code: 20,
      waits_on: "SG_3",
      phase: "structural_verify",
    });
    expect(ended.facts["check"]).toMatch(check);
  });
});

describe("write_verify", () => {
  it.each(differences)("looks for itself and records nothing when %s", async (_name, change) => {
    expect(await startAndChangeAfter("leg_b_record", change)).toMatchObject({
      code: "READ_BACK_DIFFERS",
      exit_code: 20,
      waits_on: "SG_3",
      phase: "write_verify",
    });
    expect(live.cut.rows.verified).toEqual([]);
  });
});

describe("closeout", () => {
  it("stops when a table holds fewer rows than the run wrote", async () => {
    const ended = await startAndChangeAfter("lifecycle_enact", (cut) => void (cut.rows.legB = []));
    expect(ended).toMatchObject({ code: "CLOSEOUT_ROWS_MISSING", exit_code: 30, phase: "closeout" });
  });
});
