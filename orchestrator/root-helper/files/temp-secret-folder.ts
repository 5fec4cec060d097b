// A folder of secrets on tmpfs that one process of root's holds for as long as it works: gone on return, on an error and on a signal; after
// a kill, at the next start.
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { writing } from "../../core/host/disk-error.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { toHostPath, type Host } from "./host.ts";

export interface TempSecretFolder {
  readonly id: string; // 12 hex digits
  readonly path: string; // 0700
  /** May be repeated. */
  remove(): void;
}

/** What ends a process from outside: an interrupt, systemd or a person, a terminal or ssh session that is gone. */
const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type EndingSignal = (typeof endingSignals)[number];

/** Swept at one start. More would mean that something else is wrong; the next start goes on. */
const removedMax = 100;

/**
 * Makes `_<kind>.<pid>-<start>.<id>`, a name no run id can have, and lets `fill` write into it. On a signal the folder goes first, then
 * `onSignal` decides what ends; without it the process dies of the signal as if nobody had listened. Sweeps what dead processes left.
 */
export function createTempSecretFolder(
  host: Host,
  kind: "adhoc" | "dump",
  fill: (path: string) => void,
  onSignal: (signal: EndingSignal) => void = dieBySignal,
): TempSecretFolder {
  removeAbandonedSecretFolders(host);
  const id = randomBytes(6).toString("hex");
  const path = toHostPath(host, `${hostLayout.credentials}/_${kind}.${process.pid}-${readStart(process.pid) ?? "0"}.${id}`);
  const listeners = endingSignals.map((signal) => [signal, () => end(signal)] as const);
  const remove = () => {
    rmSync(path, { recursive: true, force: true });
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
  const end = (signal: EndingSignal) => {
    rmSync(path, { recursive: true, force: true });
    onSignal(signal);
  };
  for (const [signal, listener] of listeners) process.on(signal, listener);
  try {
    writing(path, () => {
      mkdirSync(path, { mode: 0o700 });
      fill(path);
    });
  } catch (error) {
    remove();
    throw error;
  }
  return { id, path, remove };
}

/** Removes folders whose process is gone. Where that cannot be told, the folder stays; so does every name of another shape. */
export function removeAbandonedSecretFolders(host: Host): void {
  const parent = toHostPath(host, hostLayout.credentials);
  const found = readdirSync(parent).flatMap((name) => {
    const [, pid, start] = /^_(?:adhoc|dump)\.([1-9]\d*)-(\d+)\.[0-9a-f]{12}$/.exec(name) ?? [];
    return pid === undefined || start === undefined ? [] : [{ name, pid: Number(pid), start }];
  });
  for (const { name } of found.filter(({ pid, start }) => isGone(pid, start)).slice(0, removedMax))
    rmSync(`${parent}/${name}`, { recursive: true, force: true });
}

/** By pid and start time, since a pid is used again. A process that /proc hides is alive. */
function isGone(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
  const found = readStart(pid);
  return found !== null && start !== "0" && found !== start;
}

/** Field 22 of /proc/<pid>/stat. The command name before it may hold anything: counted after its last parenthesis. */
function readStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

/** Node's own way to die of a signal comes back when nobody listens. */
function dieBySignal(signal: EndingSignal): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
