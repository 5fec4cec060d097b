// Starts one scoped run on the host and shows its journal while it works; the result is what the host wrote, not what the line carried.
import { setTimeout as pause } from "node:timers/promises";
import { CutterError } from "../orchestrator/core/errors.ts";
import { hostLayout } from "../orchestrator/core/host/layout.ts";
import type { RunId } from "../orchestrator/core/run-id.ts";
import { runResultSchema, type RunResult } from "../orchestrator/core/run/result.ts";
import type { RemoteHost } from "../provision/host/connection.ts";

const pollMs = 400;
const readTimeoutMs = 30_000;

/** What can be started for a run: its unit, the root step before it, and where the host tells what it came to. */
export const startableUnits = {
  run: { unit: "cutter-run", before: "cutter-prepare", results: hostLayout.results, unknown: "RUN_OUTCOME_UNKNOWN" },
  revert: { unit: "cutter-revert", before: "cutter-prepare-revert", results: hostLayout.revertResults, unknown: "REVERT_OUTCOME_UNKNOWN" },
} as const;
type StartableUnit = (typeof startableUnits)[keyof typeof startableUnits];

/**
 * The unit's journal, from a moment ("--since=@…") or behind a cursor (journalctl takes only one of them); the last line names the next
 * cursor.
 */
const readJournal = `journalctl --quiet --output=cat --show-cursor "$2" -u "$3@$1.service" -u "$4@$1.service"`;

/**
 * Blocks until the run ended, at the latest `deadlineMs` later. `print` gets each line once.
 * @throws RUN_OUTCOME_UNKNOWN, REVERT_OUTCOME_UNKNOWN when the line broke and the host has no result yet: the run goes on without us
 */
export async function startUnitAndWait(
  host: RemoteHost,
  runId: RunId,
  deadlineMs: number,
  print: (line: string) => void,
  unit: StartableUnit = startableUnits.run,
): Promise<RunResult> {
  const startedAt = (await host.run("date +%s", [], { timeoutMs: readTimeoutMs })).stdout.trim();
  const start = { running: true };
  const started = host
    .run('systemctl start "$2@$1.service"', [runId, unit.unit], { timeoutMs: deadlineMs })
    .finally(() => (start.running = false));
  let position = `--since=@${startedAt}`;
  do {
    await Promise.race([pause(pollMs), started]);
    const { stdout } = await host.run(readJournal, [runId, position, unit.unit, unit.before], { timeoutMs: readTimeoutMs });
    for (const line of stdout.split("\n")) {
      const next = /^-- cursor: (.+)$/.exec(line)?.[1];
      if (next !== undefined) position = `--after-cursor=${next}`;
      else if (line !== "" && !/^(Starting|Started|Finished|Stopping|Stopped) |: (Deactivated successfully|Consumed )/.test(line))
        print(line);
    }
  } while (start.running);
  const outcome = await started;
  const result = await readResult(host, runId, unit);
  if (outcome.code === null || result === null) throw new CutterError(unit.unknown, { run_id: runId, host: host.address.name });
  return result;
}

/** What the host says of the last start of a run; null when it says nothing yet. */
export async function readResult(host: RemoteHost, runId: RunId, unit: StartableUnit = startableUnits.run): Promise<RunResult | null> {
  const { code, stdout } = await host.run('cat "$1"', [`${unit.results}/${runId}.json`], { timeoutMs: readTimeoutMs });
  return code === 0 ? runResultSchema.parse(JSON.parse(stdout)) : null;
}

/** One line that closes a run's output. */
export function toResultLine(result: RunResult): string {
  const facts = Object.entries({
    code: result.code,
    certificate: result.certificate,
    payload_sha: result.payload_sha,
    waits_on: result.waits_on,
  }).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  const label = result.exit_code === 0 ? "[OK]  " : result.exit_code === 11 || result.waits_on !== null ? "[WARN]" : "[ERR] ";
  return `${label} run ${result.run_id}: ${result.result ?? "stopped"} exit=${result.exit_code} ${facts.join(" ")}`.trimEnd();
}
