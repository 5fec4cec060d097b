// What `npm test` runs: every check, the unit tests, the sandbox, the tests against it; always takes down what it put up; ends with the counts.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

interface Outcome {
  readonly name: string;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
}

const checkout = resolve(import.meta.dirname, "..");
const bin = join(checkout, "node_modules/.bin");
const results = join(checkout, ".build/test-results");
const sandbox = (...args: readonly string[]): readonly string[] => [join(bin, "node"), "provision/sandbox/main.ts", ...args];
const folders = ["orchestrator", "provision", "deploy", "runbooks", "test"].filter((folder) => existsSync(join(checkout, folder)));

const outcomes: Outcome[] = [];
let running: ChildProcess | null = null;
let interrupted: NodeJS.Signals | null = null;

// A terminal sends Ctrl-C to the children too; kill sends it to us alone. Either way the sandbox still goes down.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interrupted ??= signal;
    running?.kill("SIGTERM");
  });
}

await main();

async function main(): Promise<void> {
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  await check("typecheck", [join(bin, "tsc"), "--noEmit"]);
  await check("lint", [join(bin, "oxlint"), "--deny-warnings"]);
  await check("layers", [join(bin, "depcruise"), "--config", ".dependency-cruiser.cjs", ...folders]);
  await vitest("unit");

  const wasUp = (await exitCode(sandbox("status"), "ignore")) === 0;
  try {
    if (await check("sandbox up", sandbox("up"))) await vitest("e2e");
    else console.log("[ERR]  the tests against the sandbox did not run: there is no sandbox");
  } finally {
    if (wasUp) console.log("[INFO] the sandbox was up before and stays up: npm run sandbox -- down");
    else await takeDown();
  }
  summarize();
}

/** Runs one command that passes or fails as a whole. A failure counts as one. */
async function check(name: string, argv: readonly string[]): Promise<boolean> {
  if (interrupted !== null) return false;
  const startedMs = announce(name, argv);
  const code = await exitCode(argv, "inherit");
  record({ name, seconds: (performance.now() - startedMs) / 1000, passed: 0, failed: code === 0 ? 0 : 1 });
  return code === 0;
}

/** Runs one vitest project; its counts come from its own JSON report, and no report is a failure. */
async function vitest(project: "unit" | "e2e"): Promise<void> {
  if (interrupted !== null) return;
  const report = join(results, `${project}.json`);
  const argv = [join(bin, "vitest"), "run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const startedMs = announce(project, argv);
  const code = await exitCode(argv, "inherit");
  const { passed, failed } = readCounts(report);
  // A broken file or an unhandled error fails the run without failing a test: it must not end as "0 failed".
  record({ name: project, seconds: (performance.now() - startedMs) / 1000, passed, failed: code === 0 ? failed : Math.max(failed, 1) });
}

/** Also after an interruption, which must not leave a booted machine behind. */
async function takeDown(): Promise<void> {
  const argv = sandbox("down");
  const startedMs = announce("sandbox down", argv);
  const code = await exitCode(argv, "inherit", { untouchable: true });
  record({ name: "sandbox down", seconds: (performance.now() - startedMs) / 1000, passed: 0, failed: code === 0 ? 0 : 1 });
}

function summarize(): void {
  const sum = (pick: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const passed = sum((outcome) => outcome.passed);
  const failed = sum((outcome) => outcome.failed) + (interrupted === null ? 0 : 1);
  console.log("\n── Summary");
  for (const { name, seconds, passed: good, failed: bad } of outcomes) {
    const counts = good + bad === 0 || (good === 0 && bad === 1) ? "" : `${good} passed, ${bad} failed`;
    console.log(`${bad === 0 ? "[OK] " : "[ERR]"}  ${name.padEnd(14)} ${seconds.toFixed(1).padStart(7)} s  ${counts}`.trimEnd());
  }
  if (interrupted !== null) console.log(`[ERR]  interrupted by ${interrupted}: what had not run counts as one failure`);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

function announce(name: string, argv: readonly string[]): number {
  console.log(`\n── ${name}\n$ ${argv.map((word) => word.replace(`${bin}/`, "").replace(`${checkout}/`, "")).join(" ")}`);
  return performance.now();
}

function record(outcome: Outcome): void {
  outcomes.push(outcome);
  console.log(`${outcome.failed === 0 ? "[OK] " : "[ERR]"}  ${outcome.name} (${outcome.seconds.toFixed(1)} s)`);
}

function readCounts(report: string): { readonly passed: number; readonly failed: number } {
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const content: unknown = JSON.parse(readFileSync(report, "utf8"));
  const count = (name: string): number => {
    const value: unknown = typeof content === "object" && content !== null ? Reflect.get(content, name) : undefined;
    if (typeof value !== "number") throw new Error(`vitest's report has no ${name}`);
    return value;
  };
  return { passed: count("numPassedTests"), failed: count("numFailedTests") };
}

/** An `untouchable` child stands in a process group of its own, so that a second Ctrl-C does not reach it. */
function exitCode(argv: readonly string[], stdio: "inherit" | "ignore", { untouchable = false } = {}): Promise<number> {
  const [file = "", ...args] = argv;
  return new Promise((done, fail) => {
    const child = spawn(file, args, { cwd: checkout, stdio, detached: untouchable, env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ""}` } });
    running = untouchable ? null : child;
    child.on("error", fail);
    child.on("close", (code) => {
      running = null;
      done(code ?? 1);
    });
  });
}
