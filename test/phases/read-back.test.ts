// What another login reads back is compared with the plan in every respect: each single difference stops the run, is named, and needs SG_3.
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FakeCut, StoredUnit } from "../support/fakes/fake-cut.ts";
import { forkLiveWorld, Killed, makeLiveWorld, type LiveWorld } from "../support/fakes/live-world.ts";

const template = await makeLiveWorld();
await template.approve("SG_1");
await template.approve("SG_2");
afterAll(() => template.remove());
let live: LiveWorld;
beforeEach(async () => {
  live = await forkLiveWorld(template);
});
afterEach(() => live.remove());

/** Dies once the receipt of `phase` is on record, as a process does between two phases. */
async function runThrough(phase: string): Promise<void> {
  await expect(live.start({ killAt: (name, at) => name === "receipt_recorded" && at === phase })).rejects.toMatchObject({ cause: expect.any(Killed) as Killed });
}

const tamper = (change: (unit: StoredUnit) => StoredUnit) => (cut: FakeCut): void => {
  cut.rows.units = cut.rows.units.map((unit, index) => (index === 1 ? change(unit) : unit));
};

const differences: readonly (readonly [name: string, tamper: (cut: FakeCut) => void, check: RegExp])[] = [
  ["a unit is gone", (cut) => void cut.rows.units.pop(), /as many units/],
  ["a body was changed, its length kept", tamper((unit) => ({ ...unit, body: unit.body.replace("T", "t") })), /byte for byte/],
  ["a byte range was changed", tamper((unit) => ({ ...unit, byteEnd: unit.byteEnd + 1 })), /byte ranges/],
  ["a unit hangs elsewhere", tamper((unit) => ({ ...unit, parent: null, ordinal: unit.ordinal, headingPath: unit.headingPath, address: unit.address, kind: "document" })), /addresses, kinds and ordinals/],
  ["a heading path was changed", tamper((unit) => ({ ...unit, headingPath: "elsewhere" })), /called for/],
  ["a unit came into force too early", tamper((unit) => ({ ...unit, lifecycleState: "enacted" })), /draft/],
];

describe("structural_verify", () => {
  it.each(differences)("stops when %s", async (_name, change, check) => {
    await runThrough("cut_leg_a");
    change(live.cut);
    const ended = await live.start();
    expect(ended).toMatchObject({ result: "stopped", code: "READ_BACK_DIFFERS", exit_code: 20, waits_on: "SG_3", phase: "structural_verify" });
    expect(ended.facts["check"]).toMatch(check);
  });
});

describe("write_verify", () => {
  it.each(differences)("looks for itself and records nothing when %s", async (_name, change) => {
    await runThrough("leg_b_record");
    change(live.cut);
    expect(await live.start()).toMatchObject({ code: "READ_BACK_DIFFERS", exit_code: 20, waits_on: "SG_3", phase: "write_verify" });
    expect(live.cut.rows.verified).toEqual([]);
  });
});

describe("closeout", () => {
  it("stops when a table holds fewer rows than the run wrote", async () => {
    await runThrough("lifecycle_enact");
    live.cut.rows.legB = [];
    expect(await live.start()).toMatchObject({ code: "CLOSEOUT_ROWS_MISSING", exit_code: 30, phase: "closeout" });
  });
});
