// /run/cutter/results/<run_id>.json: a run's outcome, which survives systemd's own (a collected unit tells nothing any more).
import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { hostLayout } from "../../core/host/layout.ts";
import type { RunResult } from "../../core/run/result.ts";
import type { RunId } from "../../core/run-id.ts";
import { toHostPath, type Host } from "../files/host.ts";

/** Whole or not at all: a reader never sees half of it. 0644: it holds no secret, and cutter's status command reads it. */
export function writeResult(host: Host, runId: RunId, result: RunResult, folder: ResultFolder = hostLayout.results): void {
  const path = toPath(host, runId, folder);
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, "wx", 0o644);
  try {
    fchmodSync(descriptor, 0o644); // the unit's umask is 0077
    writeSync(descriptor, `${JSON.stringify(result, null, 1)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
}

/** Before a run starts: what an earlier start said must not be taken for this one's result. */
export function removeResult(host: Host, runId: RunId, folder: ResultFolder = hostLayout.results): void {
  rmSync(toPath(host, runId, folder), { force: true });
}

export function hasResult(host: Host, runId: RunId): boolean {
  return existsSync(toPath(host, runId, hostLayout.results));
}

export type ResultFolder = typeof hostLayout.results | typeof hostLayout.revertResults;

function toPath(host: Host, runId: RunId, folder: ResultFolder): string {
  return toHostPath(host, `${folder}/${runId}.json`);
}
