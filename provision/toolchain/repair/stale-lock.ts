// State locks of engines that are gone: a killed engine leaves its lock behind, and nobody but a person would clear it. Only this
// machine's, only for file:// state.
import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const lockSchema = z.object({ pid: z.int().positive(), username: z.string(), hostname: z.string(), timestamp: z.string() });

const lockBytesMax = 64 * 1024;

export type StateLock = z.infer<typeof lockSchema>;

/**
 * Removes each lock that names this machine and a process that is no engine any more; gives what was removed. Any other lock stays for
 * the engine to show (`pulumi cancel` is a person's decision), and so does one that cannot be read. The file itself is removed, because
 * `pulumi cancel` takes every lock of the stack: another machine's, and the one that a second start has taken since this one looked.
 */
export function clearStaleLocks(backendUrl: string, isEngine: (pid: number) => boolean = runsEngine): readonly StateLock[] {
  if (!backendUrl.startsWith("file:///")) return [];
  const locks = join(fileURLToPath(backendUrl), ".pulumi/locks");
  if (!existsSync(locks)) return [];
  const cleared: StateLock[] = [];
  for (const entry of readdirSync(locks, { recursive: true, withFileTypes: true })) {
    if (realpathSync(entry.parentPath) !== join(realpathSync(locks), relative(locks, entry.parentPath))) continue; // behind a link
    // Whatever its name is: the engine takes the temporary file of a lock that was being written for a lock, too.
    const file = join(entry.parentPath, entry.name);
    const lock = entry.isFile() ? readLock(file) : null;
    if (lock === null || lock.hostname !== hostname() || isEngine(lock.pid)) continue;
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
    if (statSync(file).size > lockBytesMax) return null;
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
