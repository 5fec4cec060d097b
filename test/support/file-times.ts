// Time per test file with its imports and hooks, beside vitest's JSON report: the report itself counts from the first test to the last
// only.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Reporter, TestModule, Vitest } from "vitest/node";
import { z } from "zod";

const timesSchema = z.array(z.strictObject({ file: z.string(), seconds: z.number(), tests: z.int() }));
export type FileTime = z.infer<typeof timesSchema>[number]; // `file` is relative to the checkout

/** Where the times of the run that writes this report are written. */
export const toTimesFile = (report: string): string => report.replace(/\.json$/, ".times.json");

/** Time by test file of the run that wrote `report`, slowest first. None was written: none. */
export function readFileTimes(report: string): readonly FileTime[] {
  const file = toTimesFile(report);
  if (!existsSync(file)) return [];
  return timesSchema.parse(JSON.parse(readFileSync(file, "utf8"))).toSorted((a, b) => b.seconds - a.seconds);
}

/** A reporter of vitest, named to it by this file's path. */
export default class FileTimesReporter implements Reporter {
  readonly #times: FileTime[] = [];
  #file: string | null = null;

  onInit({ config }: Vitest): void {
    const report = typeof config.outputFile === "object" ? config.outputFile["json"] : config.outputFile;
    this.#file = report === undefined ? null : toTimesFile(report);
  }

  onTestModuleEnd(module: TestModule): void {
    const { collectDuration, setupDuration, duration } = module.diagnostic();
    const seconds = Math.round(collectDuration + setupDuration + duration) / 1000;
    this.#times.push({ file: module.relativeModuleId, seconds, tests: [...module.children.allTests()].length });
  }

  onTestRunEnd(): void {
    if (this.#file !== null) writeFileSync(this.#file, `${JSON.stringify(this.#times)}\n`);
  }
}
