// What every runbook does at its edge: exit codes of the contract, errors as one line, options that are not understood refused.
import { CutterError, toErrorJson } from "../orchestrator/core/errors.ts";
import { toNamedDiskError } from "../orchestrator/core/host/disk-error.ts";

/** Runs a runbook's work; its number is the exit code. Unknown or missing options exit 2, a refusal with its code's exit, a bug with 70. */
export async function runScript(usage: string, work: () => Promise<number>): Promise<void> {
  if (process.argv.slice(2).some((argument) => argument === "--help" || argument === "-h")) {
    console.log(usage);
    return;
  }
  try {
    process.exitCode = await work();
  } catch (error) {
    process.exitCode = report(toNamedDiskError(error), usage);
  }
}

/** @throws USAGE_INVALID */
export function toRequired(value: string | undefined, option: string): string {
  if (value === undefined || value === "") throw new CutterError("USAGE_INVALID", { reason: "argument_missing", option });
  return value;
}

/** Beside the line on stderr, one object on stdout where --json was typed. */
function report(error: unknown, usage: string): number {
  const [command = ""] = usage.split(" ");
  const help = `${command} --help`;
  if (error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("ERR_PARSE_ARGS")) {
    console.error(`[ERR] ${error.message}\n${usage}`);
    return tell(new CutterError("USAGE_INVALID", { problem: error.message, help }));
  }
  if (!(error instanceof CutterError)) {
    console.error(`[ERR] INTERNAL_BUG ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return tell(new CutterError("INTERNAL_BUG"));
  }
  const told = error.code === "USAGE_INVALID" ? new CutterError(error.code, { ...error.facts, help }) : error;
  console.error(`[ERR] ${told.text}`);
  return tell(told);
}

function tell(error: CutterError): number {
  if (process.argv.includes("--json")) console.log(JSON.stringify(toErrorJson(error)));
  return error.exitCode;
}
