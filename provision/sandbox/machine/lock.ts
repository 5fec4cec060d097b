// One command at a time makes or removes a sandbox: a lock file that names its holder and dies with it.
import { mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { SandboxPaths } from "../base/paths.ts";
import { readStartTicks } from "./supervisor-record.ts";

/** Runs `work` while holding the sandbox's lock. @throws SANDBOX_BUSY when a living process holds it. */
export async function withSandboxLock<Result>(paths: SandboxPaths, work: () => Promise<Result>): Promise<Result> {
  const file = `${paths.runtimeDirectory}.lock`;
  mkdirSync(paths.runtimeDirectory, { recursive: true, mode: 0o700 });
  for (let attempt = 0; !tryLock(file); attempt++) {
    const [pid = "0", ticks = ""] = readHolder(file);
    if (attempt > 0 || (ticks !== "" && readStartTicks(Number(pid)) === ticks)) throw new CutterError("SANDBOX_BUSY", { lock: file, pid });
    rmSync(file, { force: true }); // its holder died
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
    removeIfEmpty(paths.runtimeDirectory);
    removeIfEmpty(dirname(paths.runtimeDirectory));
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // in use: by this sandbox, or by another checkout's
  }
}

function tryLock(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid} ${readStartTicks(process.pid)}\n`, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function readHolder(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8").trim().split(" ");
  } catch {
    return [];
  }
}
