// The only place that may make a WritePermission. This release has no live side, so it makes none and says so.
import { CutterError } from "../core/errors.ts";
import type { WritePermission } from "../ports/permission.ts";

/** @throws LIVE_APPLY_NOT_BUILT always, in this release */
export function armPhase(runId: string, phase: string): Promise<WritePermission> {
  return Promise.reject(new CutterError("LIVE_APPLY_NOT_BUILT", { run_id: runId, phase }));
}
