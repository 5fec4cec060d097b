// /run/cutter/results/<run_id>.json: a run's outcome, which survives systemd's own (a collected unit tells nothing any more).
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { writing } from "../../core/host/disk-error.ts";
import { hostLayout } from "../../core/host/layout.ts";
import type { RunResult } from "../../core/run/result.ts";
import type { RunId } from "../../core/run-id.ts";
import { toHostPath, type Host } from "../files/host.ts";

/** Larger than any result: what is reserved holds it, also once nothing else finds room. */
const reservedBytes = 4096;

/**
 * Takes the room of a result before anything else is done, so that a disk that fills up meanwhile cannot keep its outcome from being told.
 * @throws DISK_FULL; then nothing should begin
 */
export function reserveResult(host: Host, runId: RunId, folder: ResultFolder = hostLayout.results): void {
  fillNew(host, `${folder}/${runId}.json`, Buffer.alloc(reservedBytes, " "));
}

/**
 * Whole or not at all: a reader never sees half of it. 0644: it holds no secret, and cutter's status command reads it.
 * @throws DISK_FULL where nothing was reserved
 */
export function writeResult(host: Host, runId: RunId, result: RunResult, folder: ResultFolder = hostLayout.results): void {
  const file = `${folder}/${runId}.json`;
  const temporary = fillNew(host, file, Buffer.from(`${JSON.stringify(result, null, 1)}\n`));
  writing(file, () => renameSync(temporary, toHostPath(host, file)));
}

/** Beside the file, in the place of what is reserved there: its pages are written over, not given back first. */
function fillNew(host: Host, file: string, content: Buffer): string {
  const temporary = `${toHostPath(host, file)}.new`;
  return writing(file, () => {
    if (lstatSync(temporary, { throwIfNoEntry: false })?.isFile() !== true) rmSync(temporary, { recursive: true, force: true });
    const descriptor = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
    try {
      fchmodSync(descriptor, 0o644); // the unit's umask is 0077
      for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at, content.length - at, at);
      ftruncateSync(descriptor, content.length);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    return temporary;
  });
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
