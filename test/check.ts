// `npm run check`: what a change breaks, told in about a minute: types, lint, format, layers, and the unit tests that the change can
// reach, nearest first.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { toolchainLayout } from "../provision/toolchain/bootstrap/layout.mjs";
import { findAffectedTests, findHouseRules, type AffectedTest } from "./support/affected-tests.ts";
import { readChanges, readTracked } from "./support/changed-files.ts";
import { readFileTimes, toTimesFile } from "./support/file-times.ts";
import { runStaticChecks } from "./support/static-checks.ts";
import { checkout, TestSteps } from "./support/test-steps.ts";
import { summarize } from "./support/test-summary.ts";

const folder = join(checkout, ".build/checks");
const report = join(folder, "unit.json");
/** Seconds by test file, from this checkout's earlier runs. */
const timesFile = join(folder, "times.json");
const unknownSeconds = 1.5;
/** Of all chosen files together; two run side by side. Files that changed, and those that import what changed, run whatever they take. */
const budgetSeconds = 60;
const steps = new TestSteps();

await main();

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const file of [report, toTimesFile(report)]) rmSync(file, { force: true });
  const { since, files } = readChanges();
  console.log(
    files.length === 0 ? `[INFO] nothing changed against ${since}` : `[INFO] ${String(files.length)} files changed against ${since}`,
  );
  await runStaticChecks(steps);
  if (files.length > 0) await testChanges(files);
  summarize(steps, { unit: report }, true);
}

async function testChanges(changed: readonly string[]): Promise<void> {
  const times = readTimes();
  const tracked = readTracked();
  const rules = findHouseRules(tracked);
  const reached = [...rules, ...findAffectedTests(tracked, changed).filter(({ file }) => !rules.some((rule) => rule.file === file))];
  const affected = hasEngine() ? reached : reached.filter(({ file }) => !needsEngine(file));
  const chosen = choose(affected, times);
  const left = affected.length - chosen.length;
  console.log(
    `\n[INFO] ${String(reached.length)} test files reach the change; ${String(chosen.length)} of them run here, the nearest first`,
  );
  const withoutEngine = reached.length - affected.length;
  if (withoutEngine > 0) console.log(`[INFO] ${String(withoutEngine)} need the Pulumi engine, which is not here yet: npm test sets it up`);
  if (left > 0) console.log(`[INFO] ${String(left)} do not fit into the time of a check: npm test runs them`);
  if (chosen.length === 0) return;
  await steps.vitest(
    "unit",
    "unit",
    report,
    chosen.map(({ file }) => file),
  );
  for (const { file, seconds } of readFileTimes(report)) times.set(file, seconds);
  writeFileSync(timesFile, `${JSON.stringify(Object.fromEntries(times))}\n`);
}

/** The nearest first, as many as the budget has room for. */
function choose(affected: readonly AffectedTest[], times: ReadonlyMap<string, number>): readonly AffectedTest[] {
  let spent = 0;
  return affected.filter(({ file, steps: distance }) => {
    const seconds = times.get(file) ?? unknownSeconds;
    if (distance > 1 && spent + seconds > budgetSeconds) return false;
    spent += seconds;
    return true;
  });
}

function hasEngine(): boolean {
  return existsSync(join(toolchainLayout().engineBin, "pulumi"));
}

/** Set-up makes the engine; a check runs in a checkout that has had `npm ci` only. */
function needsEngine(file: string): boolean {
  return readFileSync(join(checkout, file), "utf8").includes("/provision/toolchain/pulumi/run.ts");
}

function readTimes(): Map<string, number> {
  const known = existsSync(timesFile) ? z.record(z.string(), z.number()).parse(JSON.parse(readFileSync(timesFile, "utf8"))) : {};
  const lastRun = readFileTimes(join(checkout, ".build/test-results/unit.json")).map(({ file, seconds }): [string, number] => [
    file,
    seconds,
  ]);
  return new Map([...lastRun, ...Object.entries(known)]);
}
