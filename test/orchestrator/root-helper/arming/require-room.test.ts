// Before a start is spent: a disk that would stop the run refuses it, also where it has room for root alone.
import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseRunId } from "../../../../orchestrator/core/run-id.ts";
import { requireRoom } from "../../../../orchestrator/root-helper/arming/require-room.ts";
import { makeHostFolder, type HostFolder } from "../../../support/host-folder.ts";
import { leaveStop } from "../../../support/last-stop.ts";

const runId = parseRunId("R-1", { allowDryRunSuffix: false });
const places = { sidecar_root: "/var/lib/cutter/runs", batch_dir: "/var/lib/cutter/batches", global_locks_dir: "/var/lib/cutter/locks" };
const otherUser = { uid: 12_345, gid: 12_345 };
let folder: HostFolder;
let mounted: string[];
beforeEach(() => {
  folder = makeHostFolder();
  mounted = [];
  for (const path of ["var/lib/cutter-ledger", "var/lib/cutter/runs/R-1"]) mkdirSync(folder.at(path), { mode: 0o700 });
});
afterEach(() => {
  for (const path of mounted) execFileSync("umount", [path]);
  folder.remove();
});

const mount = (path: string, options: string): void => {
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder.at(path)]);
  mounted.push(folder.at(path));
};
const room = (host = folder.host): Promise<void> => requireRoom(host, places, runId);

test("there is room: nothing is left behind by the look", async () => {
  await room();
  for (const path of ["var/lib/cutter/runs/R-1", "var/lib/cutter/locks", "var/lib/cutter-ledger", "run/cutter"])
    expect(readdirSync(folder.at(path)).filter((name) => name.startsWith(".room"))).toEqual([]);
});

test.each([
  ["a full file system of locks", "var/lib/cutter/locks", "size=64k", { reason: "ENOSPC", path: "/var/lib/cutter/locks" }],
  ["a ledger without inodes", "var/lib/cutter-ledger", "nr_inodes=1", { reason: "ENOSPC", path: "/var/lib/cutter-ledger" }],
  ["batches that are read-only", "var/lib/cutter/batches", "ro", { reason: "EROFS", path: "/var/lib/cutter/batches" }],
  [
    "a run's file system too small for a backup",
    "var/lib/cutter/runs",
    "size=8m",
    { reason: "too_little_left", path: "/var/lib/cutter/runs", needed_bytes: 64 * 1024 * 1024 },
  ],
])("%s refuses", async (_what, path, options, facts) => {
  mount(path, options);
  await expect(room()).rejects.toMatchObject({ code: "DISK_FULL", exitCode: 10, facts });
});

test("what the last start lacked is looked for, and named as its stop, until it is there", async () => {
  leaveStop(folder, "DISK_FULL", { reason: "too_little_left", path: "/var/lib/cutter/runs/R-1", needed_bytes: 2 ** 55 });
  await expect(room()).rejects.toMatchObject({
    code: "DISK_FULL",
    facts: { needed_bytes: 2 ** 55, last_stop: "2026-11-22T10:00:00.000Z" },
  });
  leaveStop(folder, "DISK_FULL", { reason: "too_little_left", path: "/var/lib/cutter/runs/R-1", needed_bytes: 2 ** 20 });
  await room();
  leaveStop(folder, "DATABASE_UNREACHABLE", {});
  await room();
});

test("the run's own user is the one who must find room: root writes there for it and is root again", async () => {
  chownSync(folder.host.root, otherUser.uid, otherUser.gid);
  mount("var/lib/cutter/locks", `size=1m,uid=${String(otherUser.uid)},gid=${String(otherUser.gid)},mode=700`);
  for (const path of ["var/lib/cutter/runs/R-1", "var/lib/cutter/batches"]) chownSync(folder.at(path), otherUser.uid, otherUser.gid);
  await room({ ...folder.host, cutter: otherUser });
  expect([process.geteuid?.(), process.getegid?.()]).toEqual([0, 0]);
  writeFileSync(folder.at("var/lib/cutter/locks/filler"), Buffer.alloc(900 * 1024));
  await expect(room({ ...folder.host, cutter: otherUser })).rejects.toMatchObject({ facts: { path: "/var/lib/cutter/locks" } });
  expect([process.geteuid?.(), process.getegid?.()]).toEqual([0, 0]);
});
