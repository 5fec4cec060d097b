// The frame of every runbook: strict arguments, one connection, errors printed as the registry says, exit codes of design 4.1.
import { parseArgs, type ParseArgsConfig } from "node:util";
import { CutterError } from "../orchestrator/core/errors.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { connectToHost } from "../provision/host/connect.ts";
import { readStackTarget, type StackTarget } from "./stack-target.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values = Readonly<Record<string, string | boolean | undefined>>;

export interface OperatorScript {
  readonly usage: string; // the whole help text
  readonly options: Options; // besides --stack, --host, --help
  /** Gives the exit code. */
  readonly act: (context: { readonly host: RemoteHost; readonly target: StackTarget; readonly values: Values }) => Promise<number>;
}

/** Runs the script as the process: sets the exit code, prints refusals, closes the connection. */
export async function runOperatorScript(script: OperatorScript): Promise<void> {
  const values = parseOrExplain(script);
  if (values === null) return;
  let host: RemoteHost | null = null;
  try {
    const target = readStackTarget(toText(values["stack"]), toText(values["host"]));
    console.log(`[INFO] host ${target.address.name} (${target.address.host}) of stack ${target.config.stack}`);
    host = await connectToHost(target.address);
    process.exitCode = await script.act({ host, target, values });
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    console.error(`[ERR]  ${error.message}`);
    process.exitCode = error.exitCode;
  } finally {
    host?.close();
  }
}

function parseOrExplain({ usage, options }: OperatorScript): Values | null {
  try {
    const { values } = parseArgs({ options: { ...options, stack: { type: "string" }, host: { type: "string" }, help: { type: "boolean" } }, strict: true, allowPositionals: false });
    if (values["help"] !== true) return values as Values;
    console.log(usage);
  } catch (error) {
    console.error(`[ERR]  ${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exitCode = 2;
  }
  return null;
}

/** A value that must be given. @throws ARGUMENT_MISSING */
export function toRequired(values: Values, name: string): string {
  const text = toText(values[name]);
  if (text === undefined || text === "") throw new CutterError("ARGUMENT_MISSING", { option: `--${name}` });
  return text;
}

function toText(value: string | boolean | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
