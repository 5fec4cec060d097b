// Who a process is: its start time and the boot it lives in, so that a reused pid is not taken for the old one.
import { readFile } from "node:fs/promises";
import { toErrorCode } from "../node-files/node-files.ts";

/** Field 22 of /proc/<pid>/stat; "unknown" where the process is hidden or gone. */
export async function readProcessStart(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${String(pid)}/stat`, "utf8");
    // The command name stands in parentheses and may hold anything: count after the last one.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "unknown";
  } catch {
    return "unknown";
  }
}

/** Answers also for processes that /proc hides (ProtectProc=invisible): EPERM means alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return toErrorCode(error) !== "ESRCH";
  }
}

/**
 * 32 hex digits. The kernel's word first: a wrong one would let a lock be taken from a living holder. Only where ProcSubset=pid hides the
 * file, as in a unit, CUTTER_BOOT_ID counts, which systemd or the root helper set there. "unknown" where neither is there: then no lock is
 * taken over because of its boot.
 */
export async function readBootId(
  environment: Readonly<Record<string, string | undefined>>,
  kernelFile = "/proc/sys/kernel/random/boot_id",
): Promise<string> {
  const given = await readFile(kernelFile, "utf8").catch(() => environment["CUTTER_BOOT_ID"] ?? "");
  const bootId = given.trim().replaceAll("-", "").toLowerCase();
  return /^[0-9a-f]{32}$/.test(bootId) ? bootId : "unknown";
}
