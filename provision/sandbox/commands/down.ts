// `sandbox down`: ends this checkout's sandbox and removes everything of it but the image cache.
import { existsSync } from "node:fs";
import { toSandboxPaths } from "../base/paths.ts";
import { stopProcesses, removeFiles } from "../machine/cleanup.ts";
import { withSandboxLock } from "../machine/lock.ts";
import { type Say, timed } from "../base/progress.ts";

/** May be repeated; a sandbox that is not there is no error. @throws SANDBOX_BUSY, SANDBOX_STEP_FAILED */
export async function removeSandbox(checkout: string, say: Say): Promise<void> {
  const paths = toSandboxPaths(checkout);
  await withSandboxLock(paths, async () => {
    if (!existsSync(paths.directory)) say("[INFO] there is no sandbox for this checkout");
    await timed(say, "host ended, no process left", () => stopProcesses(paths));
    await timed(say, "files removed; the image cache stays", () => removeFiles(paths));
  });
}
