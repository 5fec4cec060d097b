// What a start leaves for root to take away: the live token first, then the credentials. One that resists does not keep the other.
import { lstatSync } from "node:fs";
import { CutterError } from "../../core/errors.ts";
import { hostLayout } from "../../core/host/layout.ts";
import type { RunId } from "../../core/run-id.ts";
import { removeCredentials } from "../state/credentials.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { removeLiveToken } from "../state/token.ts";

/**
 * May be repeated. Null when nothing is left; else LEFTOVERS_NOT_REMOVED with the paths, for the caller to throw once it has told the
 * result.
 */
export function cleanUpRun(host: Host, runId: RunId): CutterError | null {
  const errors: unknown[] = [];
  const removals = [
    { path: `${hostLayout.live}/${runId}`, remove: () => removeLiveToken(host, runId) },
    { path: `${hostLayout.credentials}/${runId}`, remove: () => removeCredentials(host, runId) },
  ];
  const remaining = removals.filter(({ path, remove }) => !isGoneAfter(host, path, remove, errors)).map(({ path }) => path);
  return remaining.length === 0 ? null : new CutterError("LEFTOVERS_NOT_REMOVED", { run_id: runId, left: remaining }, { cause: errors[0] });
}

/** Looked at again, whatever the removal said: only "no such file" is gone. */
function isGoneAfter(host: Host, path: string, remove: () => void, errors: unknown[]): boolean {
  try {
    remove();
    return lstatSync(toHostPath(host, path), { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    errors.push(error);
    return false;
  }
}
