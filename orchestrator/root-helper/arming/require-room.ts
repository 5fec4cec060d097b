// Before a start is spent: the disk takes what the run will write, as the run's own user, and what the last start lacked is there now.
import { closeSync, constants, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { OrchestratorConfig } from "../../core/config-schema.ts";
import { CutterError } from "../../core/errors.ts";
import { writing } from "../../core/host/disk-error.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { readChain } from "../../core/journal/chain.ts";
import { toStatus, type RunStatus } from "../../core/journal/status.ts";
import type { RunId } from "../../core/run-id.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { hostFiles } from "../files/host-files.ts";

/** Written in each place: more than journal, outputs and documents of a short run, less than anybody misses. */
const probeBytes = 256 * 1024;

/** For what is still to come beside a backup: what the backup itself asks for, its own code knows. */
const reserveBytes = 64 * 1024 * 1024;

type Places = Pick<OrchestratorConfig, "sidecar_root" | "batch_dir" | "global_locks_dir">;

/**
 * Leaves nothing behind. A database server whose disk is full cannot be seen from here.
 * @throws DISK_FULL with the path, and with last_stop where the run's last start ended by it
 */
export async function requireRoom(host: Host, config: Places, runId: RunId): Promise<void> {
  const status = await readStatus(host, config.sidecar_root, runId);
  const lastStop = status?.lastEnd?.code === "DISK_FULL" ? { last_stop: status.lastEnd.at } : {};
  const runFolder = `${config.sidecar_root}/${runId}`;
  const runPlace = existsSync(toHostPath(host, runFolder)) ? runFolder : config.sidecar_root;
  try {
    for (const place of [runPlace, config.batch_dir, config.global_locks_dir]) asCutter(host, () => tryToWrite(host, place));
    for (const place of [hostLayout.ledger, hostLayout.runtime]) tryToWrite(host, place);
    requireBytes(host, runPlace, status);
  } catch (error) {
    throw error instanceof CutterError ? new CutterError(error.code, { ...error.facts, ...lastStop }, { cause: error }) : error;
  }
}

/** Null where there is none that can be read: whether the run may go on is not judged here. */
async function readStatus(host: Host, sidecarRoot: string, runId: RunId): Promise<RunStatus | null> {
  const file = `${sidecarRoot}/${runId}/journal.jsonl`;
  try {
    return toStatus(readChain((await hostFiles(host).read(file)) ?? new Uint8Array(), file).records);
  } catch {
    return null;
  }
}

/** Quotas and reserved blocks count for the one who writes. Root's rights come back whatever happens. */
function asCutter(host: Host, work: () => void): void {
  const { cutter, ownerUid } = host;
  const changes = process.getuid?.() === 0 && cutter.uid !== ownerUid;
  if (!changes) return work();
  process.setegid?.(cutter.gid);
  process.seteuid?.(cutter.uid);
  try {
    work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

function tryToWrite(host: Host, place: string): void {
  const probe = join(toHostPath(host, place), `.room.${String(process.pid)}`);
  try {
    writing(place, () => {
      const descriptor = openSync(probe, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
      try {
        const content = Buffer.alloc(probeBytes);
        for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  } catch (error) {
    // A place that is not there, or not ours to write in, is refused by whoever needs it, in its own words.
    if (error instanceof CutterError) throw error;
  } finally {
    rmSync(probe, { force: true });
  }
}

/** As much as the last start said it needed; before the backup stands, no less than what is kept free beside it. */
function requireBytes(host: Host, place: string, status: RunStatus | null): void {
  const said = status?.lastEnd?.code === "DISK_FULL" ? status.lastEnd.facts["needed_bytes"] : null;
  const hasBackup = status !== null && status.effects.pre_write_backup.state === "done";
  const neededBytes = Math.max(hasBackup ? 0 : reserveBytes, typeof said === "number" ? said : 0);
  const { bavail, bsize } = statfsSync(toHostPath(host, place));
  if (bavail * bsize < neededBytes)
    throw new CutterError("DISK_FULL", {
      reason: "too_little_left",
      path: place,
      needed_bytes: neededBytes,
      free_bytes: bavail * bsize,
    });
}
