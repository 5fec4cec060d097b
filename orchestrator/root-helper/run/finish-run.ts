// finish-run ID: the root step after a run, whatever its end. The token goes first, then the secrets, then the result is written.
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";
import { hostLayout, startResultName } from "../../core/host/layout.ts";
import { parseRunId, type RunId } from "../../core/run-id.ts";
import { mayHaveWritten } from "../../core/run/unfinished-runs.ts";
import { toRunResult, type ServiceExit } from "../../core/run/result.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { cleanUpRun } from "./cleanup.ts";
import { hasResult, writeResult } from "../state/result.ts";
import { readConfig, readRequest } from "../files/settings.ts";

const startResultBytesMax = 64 * 1024;
const journalBytesMax = 64 * 1024 * 1024;

/**
 * `end` is what systemd tells ExecStopPost. Runs also when the start failed or the process was killed.
 * The result is written whatever could not be removed. @throws RUN_ID_INVALID, LEFTOVERS_NOT_REMOVED
 */
export function finishRun(host: Host, idText: string, end: ServiceExit): void {
  const runId = parseRunId(idText, { allowDryRunSuffix: true });
  const cleanUpError = cleanUpRun(host, runId);
  const startResult = readStartResult(host, `${hostLayout.starts}/${runId}/${startResultName}`);
  writeResult(host, runId, toRunResult(runId, mayHaveWrittenRows(host, runId), end, startResult));
  if (cleanUpError !== null) throw cleanUpError;
}

/**
 * Once more, when the root step before the run stops: it does so with the run, also when the run never began, or when whoever killed it
 * killed finish-run in the same breath. @throws RUN_ID_INVALID, LEFTOVERS_NOT_REMOVED
 */
export function cleanUpKilledRun(host: Host, idText: string): void {
  const runId = parseRunId(idText, { allowDryRunSuffix: true });
  const cleanUpError = cleanUpRun(host, runId);
  // prepare-run removed the last start's result: if there is none now, nobody lived to write this one's.
  if (!hasResult(host, runId))
    writeResult(
      host,
      runId,
      toRunResult(runId, mayHaveWrittenRows(host, runId), { exitKind: "killed", exitRaw: "unknown", serviceResult: "unknown" }, null),
    );
  if (cleanUpError !== null) throw cleanUpError;
}

/** What cannot be read counts as written: then a kill is reported as "may have written", never as "nothing written". */
function mayHaveWrittenRows(host: Host, runId: RunId): boolean {
  try {
    if (readRequest(host, runId).mode === "dryrun") return false;
    const path = `${readConfig(host).sidecar_root}/${runId}/journal.jsonl`;
    if (lstatSync(toHostPath(host, path), { throwIfNoEntry: false }) === undefined) return false; // killed before its first record
    const journal = readCuttersFile(host, path, journalBytesMax);
    return journal === null || mayHaveWritten(journal);
  } catch {
    return true;
  }
}

/** cutter's file, read as such: no link is followed, no pipe waited for, no more than the bound. Null is "it told nothing". */
export function readStartResult(host: Host, path: string): string | null {
  return readCuttersFile(host, path, startResultBytesMax);
}

function readCuttersFile(host: Host, path: string, bytesMax: number): string | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(toHostPath(host, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const facts = fstatSync(descriptor);
    return facts.isFile() && facts.size <= bytesMax ? readFileSync(descriptor, "utf8") : null;
  } catch {
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
