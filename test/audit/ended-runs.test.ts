// The evidence of runs that did not go straight: killed and resumed, given up, decided upon. Each passes its audit as the engine leaves it; nothing is taken for forged that is not.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { judgeAudit, type Audit } from "../../orchestrator/audit/judge.ts";
import { readBundle } from "../../orchestrator/audit/material.ts";
import { phases } from "../../orchestrator/phases/index.ts";
import { makeEvidencedWorld, type EvidencedWorld } from "../support/live-run-files.ts";

let world: EvidencedWorld;
beforeEach(async () => {
  world = await makeEvidencedWorld();
});
afterEach(() => world.live.remove());

const audit = async (): Promise<Audit> => await judgeAudit(readBundle(await readFile(join(world.folder, "audit-bundle.tar"))), { sovereign: world.live.sovereign.file, architect: null }, { phases, releaseSha256: "0".repeat(64) });
const readText = async (name: string): Promise<string> => await readFile(join(world.folder, name), "utf8");

test.each([
  ["after its first intent", "appended", "effect_intended"],
  ["in the crash window of SG_1's row", "appended", "transaction"],
  ["in the crash window of leg A", "effect_applied", "cut_leg_a"],
  ["after an effect was recorded", "appended", "effect_done"],
  ["with an output written and not yet recorded", "output_written", "structural_verify"],
  ["between a document and its receipt", "uploaded", "write_verify"],
  ["before the end was recorded", "appended", "index_written"],
])("a run killed %s and started again passes, and its report tells of the start that ended without a word", async (_what, name, phase) => {
  let killed = false;
  await expect(world.start((point, at) => !killed && (killed = point === name && at === phase))).rejects.toThrow();
  expect(await world.start()).toMatchObject({ result: "done" });
  expect((await audit()).findings).toEqual([]);
  const report = await readText("report.txt");
  expect(report).toContain("1 of 2 starts ended without a word");
  expect(report.includes("and taken as done")).toBe(name === "effect_applied");
});

test("a run that a signed void gave up leaves its evidence, and passes", async () => {
  world.live.cut.faults.push("none", "refused");
  expect(await world.start()).toMatchObject({ result: "stopped", waits_on: "SG_3" });
  world.live.token = { ...world.live.token, escalation: await world.live.signThird("void", "cut_leg_a"), escalationKbId: "knowledge/x/sg-3.md" };
  expect(await world.start()).toMatchObject({ result: "voided" });
  const judged = await audit();
  expect(judged.findings).toEqual([]);
  expect(judged.signaturesVerified).toBeGreaterThanOrEqual(5);
  const report = await readText("report.txt");
  expect(report).toContain("voided: ");
  expect(report).toMatch(/SG_3 +a decision on a failed phase/);
  expect(report).toContain("SG_3 decided void at ");
  expect(report).toContain("SG_3 was raised at ");
});
