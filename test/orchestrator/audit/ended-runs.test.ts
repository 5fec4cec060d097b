// The evidence of runs that did not go straight: killed and resumed, given up, decided upon. Each passes its audit as the engine leaves it;
// nothing is taken for forged that is not.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { auditRun, type Audit } from "../../../orchestrator/audit/audit-run.ts";
import { readBundle } from "../../../orchestrator/evidence/bundle.ts";
import { toTar } from "../../../orchestrator/evidence/tar.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { toLineHash } from "../../../orchestrator/core/journal/chain.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import { makeEvidencedWorld, type EvidencedWorld } from "../../support/live-run-files.ts";

let world: EvidencedWorld;
beforeEach(async () => {
  world = await makeEvidencedWorld();
});
afterEach(() => world.live.remove());

const audit = async (): Promise<Audit> =>
  await auditRun(
    readBundle(await readFile(join(world.folder, "audit-bundle.tar"))),
    { sovereign: world.live.sovereign.file, architect: null },
    { phases, releaseSha256: "0".repeat(64) },
  );
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
  world.live.token = {
    ...world.live.token,
    escalation: await world.live.signThird("void", "cut_leg_a"),
    escalationKbId: "knowledge/x/sg-3.md",
  };
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

test("going on by a signed void is found, also where the journal calls it a resume and was made anew", async () => {
  world.live.cut.faults.push("none", "refused");
  await world.start();
  const carry = async (decision: "resume" | "void") => await world.live.signThird(decision, "cut_leg_a");
  world.live.token = { ...world.live.token, escalation: await carry("resume"), escalationKbId: "knowledge/x/sg-3.md" };
  expect(await world.start()).toMatchObject({ result: "done" });
  const files = new Map(readBundle(await readFile(join(world.folder, "audit-bundle.tar"))).files);
  const signedVoid = await carry("void");
  const swap = new Map<string, string>();
  const kept = [...files.keys()].filter((name) => /approvals\/sg-3-.*/.test(name)).toSorted();
  for (const [name, bytes] of [
    [kept[0] ?? "", signedVoid.document],
    [kept[1] ?? "", signedVoid.signatures[0] ?? new Uint8Array()],
  ] as const) {
    swap.set(sha256Hex(files.get(name) ?? new Uint8Array()), sha256Hex(bytes));
    files.set(name, bytes);
  }
  let last: string | null = null;
  const lines = Buffer.from(files.get("journal.jsonl") ?? new Uint8Array())
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const swapped = [...swap].reduce((text, [from, to]) => text.replaceAll(from, to), line);
      last = last === null ? swapped : JSON.stringify({ ...(JSON.parse(swapped) as object), prev: toLineHash(last) });
      return last;
    });
  files.set("journal.jsonl", Buffer.from(`${lines.join("\n")}\n`));
  const { findings } = await auditRun(
    readBundle(toTar(files)),
    { sovereign: world.live.sovereign.file, architect: null },
    { phases, releaseSha256: "0".repeat(64) },
  );
  expect(findings).toContainEqual(
    expect.objectContaining({
      code: "AUDIT_EVIDENCE_DIFFERS",
      what: "approval_differs",
      problem: "another decision was signed",
      facts: { expected: "SG_3 resume", found: "SG_3 void" },
    }),
  );
});

test("a run that was cut off behind its claim and then given up by a signed void passes", async () => {
  await world.start((name, step) => name === "effect_recorded" && step === "SG_1").catch(() => null);
  world.live.token = {
    ...world.live.token,
    escalation: await world.live.signThird("void", "cut_leg_a"),
    escalationKbId: "knowledge/x/sg-3.md",
  };
  expect(await world.start()).toMatchObject({ result: "voided" });
  expect((await audit()).findings).toEqual([]);
});
