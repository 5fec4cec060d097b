// `npm run check` runs the tests that a change can reach, the nearest first.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findAffectedTests } from "../support/affected-tests.ts";
import { readTracked } from "../support/changed-files.ts";
import { checkout } from "../support/test-steps.ts";

const tracked = readTracked();
const stepsTo = (changed: string): ReadonlyMap<string, number> =>
  new Map(findAffectedTests(tracked, [changed]).map(({ file, steps }) => [file, steps]));
const readText = (file: string): string => readFileSync(join(checkout, file), "utf8");

it("counts the imports between a test and what changed", () => {
  const steps = stepsTo("orchestrator/core/journal/chain.ts");
  for (const [file, count] of steps) expect([file, count === 1]).toEqual([file, readText(file).includes("/journal/chain.ts")]);
  expect(Math.max(...steps.values())).toBeGreaterThan(1);
  expect(steps.has("test/orchestrator/engine/resume.test.ts")).toBe(true);
  expect(steps.has("test/provision/host/connection.test.ts")).toBe(false);
  expect([...steps.values()]).toEqual([...steps.values()].toSorted((a, b) => a - b));
});

it("takes a test that changed itself first, and for a file that is read, not imported, those who name it", () => {
  expect(stepsTo("test/orchestrator/engine/resume.test.ts")).toEqual(new Map([["test/orchestrator/engine/resume.test.ts", 0]]));
  expect(stepsTo("sql/lifecycle/rollback_runbook.sql").get("test/sql/rollback-runbook.test.ts")).toBe(0);
});

it("finds those who read the folder of a file that nobody names, and those who start a script that nobody imports", () => {
  expect(stepsTo("orchestrator/decisions/13-token-is-the-switch.md").size).toBeGreaterThan(0);
  expect(stepsTo("test/house/rooms.cjs").has("test/house/layers.test.ts")).toBe(true);
});
