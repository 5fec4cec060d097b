// State locks of engines that are gone: a killed engine leaves its lock behind, and nobody but a person would clear it. Only this machine's, only for file:// state.
import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const lockSchema = z.object({ pid: z.int().positive(), username: z.string(), hostname: z.string(), timestamp: z.string() });

export type StateLock = z.infer<typeof lockSchema>;

/** Locks that the kit itself holds for some milliseconds: they are their process's for as long as it lives, whatever program it is. */
export const ownLockPrefix = "cutter-kit-";

/**
 * Removes each lock that names this machine and a process that is no engine any more; gives what was removed. Any other lock stays for the engine to show
 * (`pulumi cancel` is a person's decision), and so does one that cannot be read.
 */
export function clearStaleLocks(backendUrl: string, isEngine: (pid: number) => boolean = runsEngine): readonly StateLock[] {
  if (!backendUrl.startsWith("file:///")) return [];
  const locks = join(fileURLToPath(backendUrl), ".pulumi/locks");
  if (!existsSync(locks)) return [];
  const cleared: StateLock[] = [];
  for (const entry of readdirSync(locks, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".json")) continue;
    const file = join(entry.parentPath, entry.name);
    const lock = readLock(file);
    if (
      lock === null ||
      lock.hostname !== hostname() ||
      (entry.name.startsWith(ownLockPrefix) ? existsSync(`/proc/${lock.pid}`) : isEngine(lock.pid))
    )
      continue;
    rmSync(file, { force: true });
    cleared.push(lock);
  }
  return cleared;
}

/** For the person at the terminal. */
export function toClearedLine({ pid, username, timestamp }: StateLock): string {
  return `[INFO] cleared the state lock of a pulumi that is gone: pid=${pid} user=${username} since=${timestamp}`;
}

function readLock(file: string): StateLock | null {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null;
  }
}

/** A number can be given to another program since; a process that may not be looked at counts as an engine. */
function runsEngine(pid: number): boolean {
  try {
    return /^pulumi( \(deleted\))?$/.test(basename(readlinkSync(`/proc/${pid}/exe`)));
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ENOENT");
  }
}
