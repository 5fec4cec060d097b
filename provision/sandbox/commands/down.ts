// `sandbox down`: ends this checkout's sandbox and removes everything of it but the image cache.
import { existsSync } from "node:fs";
import { toSandboxPlace } from "../base/place.ts";
import { endProcesses, removeFiles } from "../machine/cleanup.ts";
import { withSandboxLock } from "../machine/lock.ts";
import { type Say, timed } from "../base/progress.ts";

/** May be repeated; a sandbox that is not there is no error. @throws SANDBOX_BUSY, SANDBOX_NOT_READY, SANDBOX_STEP_FAILED */
export async function takeDown(checkout: string, say: Say): Promise<void> {
  const place = toSandboxPlace(checkout);
  await withSandboxLock(place, async () => {
    if (!existsSync(place.directory)) say("[INFO] there is no sandbox for this checkout");
    await timed(say, "host ended, no process left", () => endProcesses(place));
    await timed(say, "files removed; the image cache stays", () => removeFiles(place));
  });
}
