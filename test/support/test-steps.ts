// Runs the steps of a test run as child processes, one after the other, and keeps what each came to: for `npm test`, `npm run check` and
// `npm run test:suites`.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

export interface Outcome extends Counts {
  readonly name: string;
  readonly seconds: number;
}

export const checkout: string = resolve(import.meta.dirname, "../..");
export const bin: string = join(checkout, "node_modules/.bin");
export const sandbox = (...args: readonly string[]): readonly string[] => [join(bin, "node"), "provision/sandbox/main.ts", ...args];

/** How a step's child is run: `untouchable` survives a Ctrl-C, `limitMs` ends it, and then it failed. */
interface ChildOptions {
  readonly untouchable?: boolean;
  readonly limitMs?: number;
  readonly stdio?: "inherit" | "ignore";
}

/** An interruption ends the running step and skips those after it; only what takes something down still runs. */
export class TestSteps {
  readonly outcomes: Outcome[] = [];
  interrupted: NodeJS.Signals | null = null;
  #running: ChildProcess | null = null;

  constructor() {
    // A terminal sends Ctrl-C to the children too; kill sends it to us alone. Either way the sandbox still goes down.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        this.interrupted ??= signal;
        this.#running?.kill("SIGTERM");
      });
    }
  }

  /** One command that passes or fails as a whole; a failure counts as one. False when it failed or was not started. */
  async check(name: string, argv: readonly string[], options: ChildOptions = {}): Promise<boolean> {
    if (this.interrupted !== null && options.untouchable !== true) return false;
    const startedMs = printCommand(name, argv);
    const code = await this.exitCode(argv, options);
    this.#record({ name, seconds: toSeconds(startedMs), passed: 0, failed: code === 0 ? 0 : 1 });
    return code === 0;
  }

  /** One vitest run; its counts come from its own JSON report, which is written to `report`, and no report is a failure. */
  async vitest(
    name: string,
    project: "unit" | "e2e" | "prove",
    report: string,
    filters: readonly string[] = [],
    options: ChildOptions = {},
  ): Promise<void> {
    if (this.interrupted !== null) return;
    const argv = [
      join(bin, "vitest"),
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--reporter=${join(checkout, "test/support/file-times.ts")}`,
      `--outputFile.json=${report}`,
      ...filters,
    ];
    const startedMs = printCommand(name, argv);
    const code = await this.exitCode(argv, options);
    const { passed, failed } = readReport(report).total;
    // A broken file or an unhandled error fails the run without failing a test: it must not end as "0 failed".
    this.#record({ name, seconds: toSeconds(startedMs), passed, failed: code === 0 ? failed : Math.max(failed, 1) });
  }

  /**
   * Exit code of one child; 1 when a signal ended it. An `untouchable` one has a process group of its own, which a second Ctrl-C does not
   * reach.
   */
  exitCode(argv: readonly string[], { untouchable = false, limitMs, stdio = "inherit" }: ChildOptions = {}): Promise<number> {
    const [file = "", ...args] = argv;
    return new Promise((done, fail) => {
      const child = spawn(file, args, {
        cwd: checkout,
        stdio,
        detached: untouchable,
        timeout: limitMs,
        env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ""}` },
      });
      this.#running = untouchable ? null : child;
      child.on("error", fail);
      child.on("close", (code) => {
        this.#running = null;
        done(code ?? 1);
      });
    });
  }

  #record(outcome: Outcome): void {
    this.outcomes.push(outcome);
    console.log(`${toLabel(outcome.failed)}  ${outcome.name} (${outcome.seconds.toFixed(1)} s)`);
  }
}

/** "[OK] " or "[ERR]": of one width, for tables. */
export const toLabel = (failed: number): string => (failed === 0 ? "[OK] " : "[ERR]");

const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  testResults: z.array(z.object({ name: z.string(), status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
});

/** What vitest's JSON report counts, in all and by file (a file that broke before its tests has one failure). No report: one failure. */
export function readReport(report: string): { readonly total: Counts; readonly files: ReadonlyMap<string, Counts> } {
  if (!existsSync(report)) return { total: { passed: 0, failed: 1 }, files: new Map() };
  const { numPassedTests, numFailedTests, testResults } = reportSchema.parse(JSON.parse(readFileSync(report, "utf8")));
  const files = testResults.map(({ name, status, assertionResults }): [string, Counts] => {
    const count = (wanted: string) => assertionResults.filter((result) => result.status === wanted).length;
    return [name.replace(/^.*\//, ""), { passed: count("passed"), failed: Math.max(count("failed"), status === "passed" ? 0 : 1) }];
  });
  return { total: { passed: numPassedTests, failed: numFailedTests }, files: new Map(files) };
}

function printCommand(name: string, argv: readonly string[]): number {
  console.log(`\n── ${name}\n$ ${argv.map((word) => word.replace(`${bin}/`, "").replace(`${checkout}/`, "")).join(" ")}`);
  return performance.now();
}

const toSeconds = (startedMs: number): number => (performance.now() - startedMs) / 1000;
