// .sandbox/supervisor.json: which processes are this sandbox's. A pid alone may be somebody else's by now, so the start time stands beside
// it.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import type { SandboxPaths } from "../base/paths.ts";

const recordSchema = z.strictObject({
  pid: z.int().positive(),
  startTicks: z.string(),
  nspawnPid: z.int().nonnegative(),
  outerAddress: z.string(),
});

export type SupervisorRecord = z.infer<typeof recordSchema>;

export function writeSupervisorRecord(paths: SandboxPaths, record: SupervisorRecord): void {
  writeFileSync(`${paths.supervisorFile}.tmp`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(`${paths.supervisorFile}.tmp`, paths.supervisorFile);
}

/** The record, if its supervisor is alive; null otherwise (never started, ended, or the machine was rebooted). */
export function readLiveSupervisor(paths: SandboxPaths): SupervisorRecord | null {
  let text: string;
  try {
    text = readFileSync(paths.supervisorFile, "utf8");
  } catch {
    return null;
  }
  const record = recordSchema.parse(JSON.parse(text));
  return readStartTicks(record.pid) === record.startTicks ? record : null;
}

/** Start time of a process in clock ticks since boot (field 22 of its stat); "" when there is no such process or it is a zombie. */
export function readStartTicks(pid: number): string {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}
