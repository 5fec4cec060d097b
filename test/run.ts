// What `npm test` runs: every check, the unit tests, the sandbox, the tests against it; always takes down what it put up; ends with the
// times and the counts.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runStaticChecks } from "./support/static-checks.ts";
import { checkout, sandbox, TestSteps } from "./support/test-steps.ts";
import { summarize } from "./support/test-summary.ts";

const results = join(checkout, ".build/test-results");
const steps = new TestSteps();

await main();

async function main(): Promise<void> {
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  await runStaticChecks(steps);
  await steps.vitest("unit", "unit", join(results, "unit.json"));

  const wasUp = (await steps.exitCode(sandbox("status"), { stdio: "ignore" })) === 0;
  try {
    if (await steps.check("sandbox up", sandbox("up"))) await steps.vitest("e2e", "e2e", join(results, "e2e.json"));
    else console.log("[ERR]  the tests against the sandbox did not run: there is no sandbox");
  } finally {
    if (wasUp) console.log("[INFO] the sandbox was up before and stays up: npm run sandbox -- down");
    // also after an interruption, which must not leave a booted machine behind
    else await steps.check("sandbox down", sandbox("down"), { untouchable: true });
  }
  summarize(steps, { unit: join(results, "unit.json"), e2e: join(results, "e2e.json") });
}
