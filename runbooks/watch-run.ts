// One start of a run as an operator sees it: what it does, how it ended, and the one step that comes next. Ctrl-C ends only the watching.
import { CutterError } from "../orchestrator/core/errors.ts";
import { tryParseJson } from "../orchestrator/core/encoding/try-parse-json.ts";
import { nextStepSchema, toNextLines } from "../orchestrator/core/run/next-step.ts";
import type { RunId } from "../orchestrator/core/run-id.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import type { StackConfig } from "../provision/stack/config.ts";
import { toStackFlags, toTypedFor } from "./stack.ts";
import { startUnitAndWait, toResultLine } from "./start-unit.ts";

/** The exit code of a shell's command that Ctrl-C ended. */
const interruptedExit = 130;

/** Starts or joins the run, shows it, and gives its exit code. `again`: the command that shows it again, without the stack's flags. */
export async function watchRun(host: RemoteHost, config: StackConfig, runId: RunId, again: readonly string[]): Promise<number> {
  return (await watchStart(host, config, runId, again)).exitCode;
}

/** As `watchRun`, with the certificate of a dry run. */
export async function watchStart(
  host: RemoteHost,
  config: StackConfig,
  runId: RunId,
  again: readonly string[],
): Promise<{ readonly exitCode: number; readonly certificate: string | null }> {
  const command = toTypedFor(config, host, again);
  const stop = (): never => {
    console.log(`[INFO] nothing is stopped by this: ${runId} goes on on host ${host.address.name}; to see it again:\n    ${command}`);
    process.exit(interruptedExit);
  };
  process.once("SIGINT", stop);
  try {
    const minutes = config.orchestrator.run_hard_cap_minutes;
    const watch = { deadlineMs: (minutes + 6) * 60_000, capMinutes: minutes, again: command, print: console.log };
    const result = await startUnitAndWait(host, runId, watch);
    console.log(toResultLine(result));
    if (result.exit_code !== 0) await printNextStep(host, config, runId);
    return { exitCode: result.exit_code, certificate: result.certificate };
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    console.error(`[ERR] ${error.message}`);
    if (error.facts["reason"] === "line_broke") console.log(`[INFO] it goes on without this line; to see it again:\n    ${command}`);
    else await printNextStep(host, config, runId);
    return { exitCode: error.exitCode, certificate: null };
  } finally {
    process.removeListener("SIGINT", stop);
  }
}

/** What the host's own explain says comes next, with the stack's flags. Where the host does not answer, the command that asks it. */
export async function printNextStep(host: RemoteHost, config: StackConfig, runId: RunId): Promise<void> {
  const script = 'cutter orchestrate explain --json --run-id "$1"';
  const { code, stdout, stderr } = await host.run(script, [runId], { timeoutMs: 30_000 });
  const step = nextStepSchema.safeParse(tryParseJson(stdout));
  if (!step.success) {
    const refusal = code === null ? "" : stderr.trim().slice(0, 1000);
    return console.log(`[WARN] what comes next could not be asked: cutter orchestrate explain --run-id ${runId}, on the host. ${refusal}`);
  }
  for (const line of toNextLines(step.data, toStackFlags(config, host))) console.log(line);
}
