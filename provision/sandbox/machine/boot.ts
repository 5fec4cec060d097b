// Boots a sandbox host: a detached supervisor outside, a systemd inside, and the wait until it is usable.
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { SandboxPaths } from "../base/paths.ts";
import { Inside } from "./nspawn.ts";
import { childEnvironment } from "../base/process.ts";
import { pollUntil } from "../base/progress.ts";
import { readLiveSupervisor } from "./supervisor-record.ts";

const bootLimitMs = 90_000;

/** Starts the supervisor, detached, and waits until the host inside has booted. */
export async function bootHost(
  paths: SandboxPaths,
  outerAddress: string,
): Promise<{ readonly inside: Inside; readonly supervisorPid: number }> {
  const log = openSync(paths.consoleLog, "a", 0o600);
  const program = resolve(import.meta.dirname, "supervisor.ts");
  const supervisor = spawn(process.execPath, [program, paths.checkout, outerAddress], {
    cwd: "/",
    env: childEnvironment,
    detached: true,
    stdio: ["ignore", log, log],
  });
  supervisor.unref();
  closeSync(log);
  let inside: Inside | null = null;
  const booted = await pollUntil(bootLimitMs, 100, async () => {
    const record = readLiveSupervisor(paths);
    if (record === null || record.nspawnPid === 0) return false;
    inside = new Inside(record.nspawnPid);
    return inside.isBooted();
  });
  if (!booted || inside === null || supervisor.pid === undefined)
    throw new CutterError("SANDBOX_STEP_FAILED", {
      reason: "not_ready",
      what: "boot of the host",
      limit_ms: bootLimitMs,
      console: paths.consoleLog,
    });
  return { inside, supervisorPid: supervisor.pid };
}
