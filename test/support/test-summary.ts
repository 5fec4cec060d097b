// How a test run ends: time per file, slowest first; what each step came to; and the plain line "N passed, N failed", which the exit code
// agrees with.
import { basename, dirname } from "node:path";
import { readFileTimes } from "./file-times.ts";
import { toLabel, type Outcome, type TestSteps } from "./test-steps.ts";

const shownFiles = 15;

/** `reports` by title: vitest's JSON files; one that is not there is left out. `emptyIsGood`: that no test ran is no failure. */
export function summarize(steps: TestSteps, reports: Readonly<Record<string, string>>, emptyIsGood = false): void {
  for (const [title, report] of Object.entries(reports)) printFileTimes(title, report);
  const { outcomes, interrupted } = steps;
  const sum = (pick: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const passed = sum((outcome) => outcome.passed);
  const failed = sum((outcome) => outcome.failed) + (interrupted === null ? 0 : 1);
  console.log("\n── Summary");
  for (const { name, seconds, passed: good, failed: bad } of outcomes) {
    const counts = good + bad === 0 || (good === 0 && bad === 1) ? "" : `${good} passed, ${bad} failed`;
    console.log(`${toLabel(bad)}  ${name.padEnd(14)} ${toColumn(seconds)} s  ${counts}`.trimEnd());
  }
  if (interrupted !== null) console.log(`[ERR]  interrupted by ${interrupted}: what had not run counts as one failure`);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && (passed > 0 || emptyIsGood) ? 0 : 1;
}

function printFileTimes(title: string, report: string): void {
  const times = readFileTimes(report);
  if (times.length === 0) return;
  console.log(`\n── Time per file: ${title}, slowest first`);
  for (const { file, seconds, tests } of times.slice(0, shownFiles))
    console.log(`${toColumn(seconds)} s  ${basename(file)} (${String(tests)} tests)  ${dirname(file)}`);
  const rest = times.slice(shownFiles);
  if (rest.length > 0)
    console.log(`${toColumn(rest.reduce((total, { seconds }) => total + seconds, 0))} s  the other ${String(rest.length)} files together`);
}

const toColumn = (seconds: number): string => seconds.toFixed(1).padStart(7);
