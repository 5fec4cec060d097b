// finish-run ID: the root step after a run, whatever its end. The token goes first, then the secrets, then the result is written.
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { hostLayout, startEndName } from "../../core/host/layout.ts";
import { parseRunId, type RunId } from "../../core/run-id.ts";
import { toRunResult, type ServiceEnd } from "../../core/run/result.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { removeLeftovers } from "./cleanup.ts";
import { hasResult, writeResult } from "../state/result.ts";
import { readRequest } from "../files/settings.ts";

const toldBytesMax = 64 * 1024;

/**
 * `end` is what systemd tells ExecStopPost. Runs also when the start failed or the process was killed.
 * The result is written whatever could not be removed. @throws RUN_ID_INVALID, LEFTOVERS_NOT_REMOVED
 */
export function finishRun(host: Host, idText: string, end: ServiceEnd): void {
  const runId = parseRunId(idText, { allowDryRunSuffix: true });
  const leftovers = removeLeftovers(host, runId);
  const told = readTold(host, `${hostLayout.starts}/${runId}/${startEndName}`);
  writeResult(host, runId, toRunResult(runId, readMode(host, runId), end, told));
  if (leftovers !== null) throw leftovers;
}

/**
 * Once more, when the root step before the run stops: it does so with the run, also when the run never began, or when whoever killed it killed finish-run
 * in the same breath. @throws RUN_ID_INVALID, LEFTOVERS_NOT_REMOVED
 */
export function releaseRun(host: Host, idText: string): void {
  const runId = parseRunId(idText, { allowDryRunSuffix: true });
  const leftovers = removeLeftovers(host, runId);
  // prepare-run removed the last start's result: if there is none now, nobody lived to write this one's.
  if (!hasResult(host, runId))
    writeResult(
      host,
      runId,
      toRunResult(runId, readMode(host, runId), { exitKind: "killed", exitRaw: "unknown", serviceResult: "unknown" }, null),
    );
  if (leftovers !== null) throw leftovers;
}

/** Unreadable counts as live: then a kill is reported as "may have written", never as "nothing written". */
function readMode(host: Host, runId: RunId): "dryrun" | "live" {
  try {
    return readRequest(host, runId).mode;
  } catch {
    return "live";
  }
}

/** cutter's file, read as such: no link is followed, no pipe waited for, no more than the bound. Null is "it told nothing". */
export function readTold(host: Host, path: string): string | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(toHostPath(host, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const facts = fstatSync(descriptor);
    return facts.isFile() && facts.size <= toldBytesMax ? readFileSync(descriptor, "utf8") : null;
  } catch {
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
