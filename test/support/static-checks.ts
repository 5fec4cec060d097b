// The checks that read the code and run none of it, once for `npm test` and `npm run check`. What they may keep for the next time lies
// below .build/.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { bin, checkout, type TestSteps } from "./test-steps.ts";

const folders = ["orchestrator", "provision", "deploy", "runbooks", "test"].filter((folder) => existsSync(join(checkout, folder)));
const kept = (name: string): string => join(checkout, ".build/checks", name);

/** As package.json's "format" writes them. */
const formatted = ["{orchestrator,provision,deploy,runbooks,test}/**/*.{ts,mts,mjs,cjs}", "*.{ts,cjs}"];

/** Types, lint, format, layers; a failure of one does not keep the next from running. */
export async function runStaticChecks(steps: TestSteps): Promise<void> {
  await steps.check("types", [join(bin, "tsc"), "--noEmit", "--incremental", "--tsBuildInfoFile", kept("types.tsbuildinfo")]);
  await steps.check("lint", [join(bin, "oxlint"), "--deny-warnings"]);
  const format = ["--log-level", "warn", "--check", "--cache", "--cache-strategy", "content", "--cache-location", kept("format.json")];
  await steps.check("format", [join(bin, "prettier"), ...format, ...formatted]);
  const cache = ["--cache", kept("layers"), "--cache-strategy", "content"];
  await steps.check("layers", [join(bin, "depcruise"), "--config", ".dependency-cruiser.cjs", ...cache, ...folders]);
}
