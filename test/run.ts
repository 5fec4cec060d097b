// What `npm test` runs: every check, the unit tests, the sandbox, the tests against it; always takes down what it put up; ends with the counts.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bin, checkout, type Outcome, sandbox, TestSteps, toLabel } from "./support/test-steps.ts";

const results = join(checkout, ".build/test-results");
const folders = ["orchestrator", "provision", "deploy", "runbooks", "test"].filter((folder) => existsSync(join(checkout, folder)));
const steps = new TestSteps();

await main();

async function main(): Promise<void> {
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  await steps.check("typecheck", [join(bin, "tsc"), "--noEmit"]);
  await steps.check("lint", [join(bin, "oxlint"), "--deny-warnings"]);
  await steps.check("layers", [join(bin, "depcruise"), "--config", ".dependency-cruiser.cjs", ...folders]);
  await steps.vitest("unit", "unit", join(results, "unit.json"));

  const wasUp = (await steps.exitCode(sandbox("status"), { stdio: "ignore" })) === 0;
  try {
    if (await steps.check("sandbox up", sandbox("up"))) await steps.vitest("e2e", "e2e", join(results, "e2e.json"));
    else console.log("[ERR]  the tests against the sandbox did not run: there is no sandbox");
  } finally {
    if (wasUp) console.log("[INFO] the sandbox was up before and stays up: npm run sandbox -- down");
    else await steps.check("sandbox down", sandbox("down"), { untouchable: true }); // also after an interruption, which must not leave a booted machine behind
  }
  summarize();
}

function summarize(): void {
  const { outcomes, interrupted } = steps;
  const sum = (pick: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const passed = sum((outcome) => outcome.passed);
  const failed = sum((outcome) => outcome.failed) + (interrupted === null ? 0 : 1);
  console.log("\n── Summary");
  for (const { name, seconds, passed: good, failed: bad } of outcomes) {
    const counts = good + bad === 0 || (good === 0 && bad === 1) ? "" : `${good} passed, ${bad} failed`;
    console.log(`${toLabel(bad)}  ${name.padEnd(14)} ${seconds.toFixed(1).padStart(7)} s  ${counts}`.trimEnd());
  }
  if (interrupted !== null) console.log(`[ERR]  interrupted by ${interrupted}: what had not run counts as one failure`);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
