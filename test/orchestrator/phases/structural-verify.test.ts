// structural_verify on a plan that does not make up its document: our bug, named check by check, before any row could be written.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { PhaseName } from "../../../orchestrator/core/phase-names.ts";
import type { PhaseOutputs } from "../../../orchestrator/phases/define.ts";
import { structuralVerify } from "../../../orchestrator/phases/07-structural-verify.ts";
import { makeWorld, type World } from "../../support/worlds/world.ts";
import type { ReadPorts } from "../../../orchestrator/ports/run-ports.ts";

interface CutplanOutput {
  readonly plan: { readonly units: readonly { readonly ordinal: number; readonly sha256: string }[] };
}

let world: World;
let outputs: PhaseOutputs;
beforeAll(async () => {
  world = await makeWorld();
  await world.start();
  const read = async (name: PhaseName, file: string) =>
    [name, JSON.parse(await world.readRunFile(`outputs/${file}.json`)) as unknown] as const;
  outputs = new Map([
    await read("source_pin", "01-source-pin"),
    await read("cutplan", "03-cutplan"),
    await read("cut_leg_a", "06-cut-leg-a"),
  ]);
});
afterAll(() => world.remove());

const ports = { run: { mode: "dryrun" } } as unknown as ReadPorts;
const verdictOf = async (change: (unit: { ordinal: number; sha256: string }) => object) => {
  const { plan, ...rest } = outputs.get("cutplan") as CutplanOutput;
  const units = plan.units.map((unit, index) => (index === plan.units.length - 1 ? { ...unit, ...change(unit) } : unit));
  return (await structuralVerify.observe(ports, new Map([...outputs, ["cutplan", { ...rest, plan: { ...plan, units } }] as const])))
    .verdict;
};

it.each([
  ["a gap in the ordinals", (unit: { ordinal: number }) => ({ ordinal: unit.ordinal + 1 }), "ordinals count from 0 without a gap"],
  ["a unit of other bytes", () => ({ sha256: "0".repeat(64) }), "the units' bytes in order are the document"],
])("refuses a live run for %s", async (_what, change, check) => {
  expect(await verdictOf(change)).toMatchObject({
    state: "closed",
    refusals: expect.arrayContaining([{ code: "STRUCTURE_BROKEN", facts: { check } }]),
  });
});

it("is open for the plan that makes up the document", async () => {
  expect(await verdictOf(() => ({}))).toEqual({ state: "open" });
});
