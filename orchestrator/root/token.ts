// The arm token of a live run: start moves it from armed/ to live/, the end of the run removes it, whatever the end was (design 4.5).
import { existsSync, lstatSync, renameSync, rmSync } from "node:fs";
import { hostLayout } from "../core/host-layout.ts";
import type { RunId } from "../core/run-id.ts";
import { toHostPath, type Host } from "./host.ts";

/**
 * armed → live by rename, unless the latch is there. Whether the token is any good is the orchestrator's to judge, not root's.
 * @returns false when nothing was armed or the latch is set: then the run starts without a token and refuses by itself.
 */
export function moveTokenToLive(host: Host, runId: RunId): boolean {
  const armed = toHostPath(host, `${hostLayout.armed}/${runId}`);
  removeLiveToken(host, runId);
  if (!existsSync(armed) || lstatSync(toHostPath(host, hostLayout.latch), { throwIfNoEntry: false }) !== undefined) return false;
  renameSync(armed, toHostPath(host, `${hostLayout.live}/${runId}`));
  return true;
}

/** May be repeated. */
export function removeLiveToken(host: Host, runId: RunId): void {
  rmSync(toHostPath(host, `${hostLayout.live}/${runId}`), { recursive: true, force: true });
}
