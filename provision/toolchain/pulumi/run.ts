// Runs the Pulumi engine's binary itself with everything set: for the demo, the tests and the command line.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { ensurePulumiHome, findPassphraseNeed } from "../bootstrap/home.mjs";
import { thisCheckout, toolchainLayout } from "../bootstrap/layout.mjs";
import {
  hasSeveralHosts,
  isDestroy,
  pulumiEnvironment,
  readAgentKey,
  sandboxStack,
  toBackendUrl,
  toNoProxy,
  toStackName,
} from "./environment.ts";
import { forgetPendingSteps, toForgottenLine } from "../repair/pending-steps.ts";
import { clearStaleLocks, toClearedLine } from "../repair/stale-lock.ts";

export interface PulumiOptions {
  readonly checkout?: string;
  /** Where Pulumi.yaml lies; the checkout unless said. */
  readonly workingDirectory?: string;
  /** Laid over the toolchain's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** "capture" returns stdout and stderr, "inherit" shows them. Default capture. */
  readonly output?: "capture" | "inherit";
  /** SIGINT, then SIGKILL 10 s later. Default 15 minutes. */
  readonly deadlineMs?: number;
}

export interface PulumiResult {
  /** The engine's exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const outputBytesMax = 32 * 1024 * 1024;
const repairLimitMs = 60_000;

/** The engine's path. Throws PULUMI_ENGINE_MISSING before anything is started when set-up has not run. */
export function engineFile(checkout: string = thisCheckout): string {
  const file = join(toolchainLayout(checkout).engineBin, "pulumi");
  if (!existsSync(file)) throw new CutterError("PULUMI_ENGINE_MISSING", { expected: file });
  return file;
}

/**
 * What an engine started with `args` gets as its whole environment. PULUMI_HOME and .env.pulumi exist afterwards, and nothing that a killed
 * engine left in local state stands in the way.
 */
export function engineEnvironment(args: readonly string[], options: PulumiOptions = {}): Record<string, string> {
  const checkout = options.checkout ?? thisCheckout;
  ensurePulumiHome(toolchainLayout(checkout));
  const caller = { ...process.env, ...options.environment };
  const workingDirectory = options.workingDirectory ?? checkout;
  const stack = toStackName(args, workingDirectory, checkout, caller);
  const environment: NodeJS.ProcessEnv = { ...process.env, ...pulumiEnvironment(checkout, stack, caller), ...options.environment };
  // A passphrase of the caller's own would win over the file that the sandbox's state is written with.
  if (stack === sandboxStack && options.environment?.PULUMI_CONFIG_PASSPHRASE === undefined) delete environment.PULUMI_CONFIG_PASSPHRASE;
  if (stack !== null && hasSeveralHosts(workingDirectory, stack)) environment.PULUMI_CONTINUE_ON_ERROR ??= "true";
  Object.assign(environment, toNoProxy(environment));
  environment.CUTTER_KIT_AGENT_KEY = stack === null ? "" : readAgentKey(workingDirectory, stack);
  environment.CUTTER_KIT_DESTROYS = isDestroy(args) ? "true" : "";
  const backendUrl = toBackendUrl(environment.PULUMI_BACKEND_URL ?? "");
  environment.PULUMI_BACKEND_URL = backendUrl;
  environment.PWD = workingDirectory; // what the engine takes for it: behind a link it would look for another project's selected stack
  refuseWithoutPassphrase(args, environment, findPassphraseNeed(toolchainLayout(checkout)));
  const whole = Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const runEngine = (words: readonly string[]) =>
    void spawnSync(engineFile(checkout), words, { cwd: workingDirectory, env: whole, stdio: "ignore", timeout: repairLimitMs });
  for (const lock of clearStaleLocks(backendUrl)) console.error(toClearedLine(lock));
  for (const step of forgetPendingSteps(backendUrl, runEngine)) console.error(toForgottenLine(step));
  return whole;
}

/** Commands that open no state. */
const withoutState: readonly string[] = ["version", "whoami", "about", "help", "plugin"];

/** @throws PULUMI_PASSPHRASE_MISSING before the engine would say "incorrect passphrase", which it says of a missing file, too */
function refuseWithoutPassphrase(args: readonly string[], environment: NodeJS.ProcessEnv, neededBy: string | null): void {
  const command = args.find((word) => !word.startsWith("-"));
  if (command === undefined || withoutState.includes(command) || args.includes("--help") || args.includes("-h")) return;
  const file = environment.PULUMI_CONFIG_PASSPHRASE_FILE ?? "";
  if ((environment.PULUMI_CONFIG_PASSPHRASE ?? "") !== "" || file === "" || existsSync(file)) return;
  throw new CutterError("PULUMI_PASSPHRASE_MISSING", { file, ...(neededBy === null ? {} : { needed_by: neededBy }) });
}

/** Runs `pulumi args…` to its end. A non-zero exit is a result, not an error; only a missing or unstartable engine throws. */
export async function runPulumi(args: readonly string[], options: PulumiOptions = {}): Promise<PulumiResult> {
  const checkout = options.checkout ?? thisCheckout;
  const capture = options.output !== "inherit";
  const child = spawn(engineFile(checkout), args, {
    cwd: options.workingDirectory ?? checkout,
    env: engineEnvironment(args, options),
    stdio: capture ? ["ignore", "pipe", "pipe"] : "inherit",
  });
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let keptBytes = 0;
  const keep = (into: Buffer[]) => (chunk: Buffer) => {
    keptBytes += chunk.length;
    if (keptBytes <= outputBytesMax) into.push(chunk);
  };
  child.stdout?.on("data", keep(chunks.stdout));
  child.stderr?.on("data", keep(chunks.stderr));
  const interrupt = setTimeout(() => child.kill("SIGINT"), options.deadlineMs ?? 15 * 60_000);
  const kill = setTimeout(() => child.kill("SIGKILL"), (options.deadlineMs ?? 15 * 60_000) + 10_000);
  try {
    const code = await new Promise<number | null>((done, fail) => child.on("error", fail).on("close", done));
    return { code, stdout: Buffer.concat(chunks.stdout).toString("utf8"), stderr: Buffer.concat(chunks.stderr).toString("utf8") };
  } finally {
    clearTimeout(interrupt);
    clearTimeout(kill);
  }
}
