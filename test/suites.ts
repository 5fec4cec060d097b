// `npm run test:suites [-- SUITE…] [FILE…] [--prove]`: the tests against a booted host, on one Debian suite after the other, each on a
// fresh host that is taken away again; ends with a table.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { toSandboxPaths } from "../provision/sandbox/base/paths.ts";
import { suites, type Suite } from "../provision/sandbox/image/recipe.ts";
import { checkout, type Counts, readReport, sandbox, TestSteps, toLabel } from "./support/test-steps.ts";

const results = join(checkout, ".build/suite-results");
const upLimitMs = 15 * 60_000; // with both images to make
const testsLimitMs = { e2e: 60 * 60_000, prove: 4 * 60 * 60_000 };
const downLimitMs = 5 * 60_000;

const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const options = process.argv.slice(2).filter((word) => word.startsWith("--"));
/** The rows of `npm run prove` run after the others on each suite, when they are asked for: they take hours. */
const projects = options.includes("--prove") ? (["e2e", "prove"] as const) : (["e2e"] as const);
const isSuite = (word: string): word is Suite => suites.some((suite) => suite === word);
const files = readdirSync(join(checkout, "test/e2e"))
  .filter((name) => projects.some((project) => name.endsWith(`.${project}.ts`)))
  .toSorted();
const filesOf = (project: string) => files.filter((file) => file.endsWith(`.${project}.ts`));
const chosenSuites = words.some(isSuite) ? suites.filter((suite) => words.includes(suite)) : suites;
const filters = words.filter((word) => !isSuite(word));
const chosenFiles = filters.length === 0 ? files : files.filter((file) => filters.some((filter) => file.includes(filter)));
const steps = new TestSteps();

await main();

async function main(): Promise<void> {
  if (options.includes("--help")) return printHelp();
  const unknownOptions = options.filter((option) => option !== "--prove");
  if (unknownOptions.length > 0) return refuse(`no such option: ${unknownOptions.join(" ")}; there are --prove and --help`);
  const unknown = filters.filter((filter) => !files.some((file) => file.includes(filter)));
  if (unknown.length > 0)
    return refuse(`neither a suite (${suites.join(", ")}) nor part of a file's name in test/e2e: ${unknown.join(" ")}`);
  // A host that somebody put up is theirs, also while it is powered off: its suite may be another one, and it would not be fresh.
  if (existsSync(toSandboxPaths(checkout).stateFile)) return refuse("this checkout has a sandbox; end it first: npm run sandbox -- down");
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  for (const suite of chosenSuites) await testSuite(suite);
  summarize();
}

async function testSuite(suite: Suite): Promise<void> {
  if (steps.interrupted !== null) return;
  try {
    if (await steps.check(`${suite}: up`, sandbox("up", "--suite", suite), { limitMs: upLimitMs })) {
      for (const project of projects) {
        const meant = filters.filter((filter) => filesOf(project).some((file) => file.includes(filter)));
        if (filters.length > 0 && meant.length === 0) continue;
        await steps.vitest(`${suite}: ${project}`, project, toReport(suite, project), meant, { limitMs: testsLimitMs[project] });
      }
    }
  } finally {
    await steps.check(`${suite}: down`, sandbox("down"), { untouchable: true, limitMs: downLimitMs });
  }
}

/** File by suite; "-" for what did not run. The last line is the runner's plain one. */
function summarize(): void {
  const reports = new Map(
    chosenSuites.map((suite) => [suite, new Map(projects.flatMap((project) => [...readReport(toReport(suite, project)).files]))]),
  );
  const toCell = (counts: Counts | undefined): string =>
    counts === undefined ? "-" : counts.failed === 0 ? `${counts.passed} ok` : `${counts.passed} ok, ${counts.failed} FAILED`;
  const width = Math.max(...chosenFiles.map((file) => file.length));
  const row = (first: string, cells: readonly string[]) =>
    console.log(`${first.padEnd(width)} ${cells.map((cell) => cell.padStart(16)).join("")}`);
  console.log("\n── Suites");
  row("", chosenSuites);
  for (const file of chosenFiles)
    row(
      file,
      chosenSuites.map((suite) => toCell(reports.get(suite)?.get(file))),
    );
  console.log("");
  for (const { name, seconds, passed, failed } of steps.outcomes)
    console.log(
      `${toLabel(failed)}  ${name.padEnd(16)} ${seconds.toFixed(1).padStart(7)} s${passed === 0 ? "" : `  ${passed} passed, ${failed} failed`}`,
    );
  if (steps.interrupted !== null) console.log(`[ERR]  interrupted by ${steps.interrupted}: what had not run counts as one failure`);
  const passed = steps.outcomes.reduce((total, outcome) => total + outcome.passed, 0);
  const failed = steps.outcomes.reduce((total, outcome) => total + outcome.failed, steps.interrupted === null ? 0 : 1);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

function refuse(reason: string): void {
  console.error(`[ERR]  ${reason}`);
  process.exitCode = 2;
}

function printHelp(): void {
  console.log(`npm run test:suites [-- SUITE…] [FILE…] [--prove]
  SUITE    ${suites.join(", ")}; all when none is named
  FILE     part of a file's name in test/e2e; all when none is given
  --prove  after the tests that npm test has, those of npm run prove too: hours for each suite`);
}

function toReport(suite: Suite, project: string): string {
  return join(results, `${suite}.${project}.json`);
}
