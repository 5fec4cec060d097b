// Phase 4 of a live run: what it asks the store for, what it tells, and that without a proven backup nothing is written.
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { FakeBackupStore } from "../../support/worlds/fake-backup.ts";
import { makeLiveWorld, type LiveWorld } from "../../support/worlds/live-world.ts";

let live: LiveWorld;
beforeEach(async () => {
  live = await makeLiveWorld();
  await live.approve("SG_1");
  await live.approve("SG_2");
});
afterEach(() => live.remove());

const readOutput = async (): Promise<unknown> =>
  JSON.parse(await readFile(`${live.folder}/runs/run-1/outputs/04-pre-write-backup.json`, "utf8"));
const readDocument = () => readFile(`${live.folder}/runs/run-1/documents/04-pre-write-backup.md`, "utf8");

describe("the backup of a live run", () => {
  it("lies in the run's folder, is sized by what was measured, and is told with what is proven and what is not", async () => {
    const asked: Parameters<FakeBackupStore["make"]>[1][] = [];
    const store = new FakeBackupStore();
    const make = store.make.bind(store);
    store.make = (permission, request) => {
      expect([permission.runId, permission.step]).toEqual(["run-1", "pre_write_backup"]);
      asked.push(request);
      return make(permission, request);
    };
    expect(await live.start({ ports: { backups: store } })).toMatchObject({ result: "done", exit_code: 0 });
    expect(asked).toHaveLength(1);
    const file = `${live.world.config.sidecar_root}/run-1/backup/run-1.dump.gpg`;
    expect(asked[0]).toMatchObject({
      destination: file,
      recipientKeyFile: "/etc/cutter/keys/backup.asc",
      recipientFingerprint: live.world.config.backup_gpg_fpr,
      expectedBytes: 8,
    });
    expect(await readOutput()).toMatchObject({ proven: { file, archiveEntries: 2, pgDumpVersion: "18.6", restored: null } });
    const text = await readDocument();
    for (const said of ["What is proven", "What is not proven", "the owner can still decrypt", "nothing was restored", file])
      expect(text).toContain(said);
    expect(live.world.database.snapshotsOpen).toBe(0);
  });

  it("tells the restore where there was one", async () => {
    const store = new FakeBackupStore();
    const make = store.make.bind(store);
    store.make = async (permission, request) => ({
      ...(await make(permission, request)),
      restored: { database: "cutter_scratch", digest: request.fromDigest },
    });
    await live.start({ ports: { backups: store } });
    const text = await readDocument();
    expect(text).toContain("Restored into the scratch database");
    expect(text).toContain("Indexes, foreign keys, triggers and rights");
    expect(text).not.toContain("nothing was restored");
  });

  it.each(["BACKUP_UNPROVEN", "DISK_FULL"] as const)(
    "stops the run at %s before anything is cut, and is made again by the next start",
    async (code) => {
      const failing = new FakeBackupStore();
      failing.failure = new CutterError(code, { step: "bytes on disk" });
      const stopped = await live.start({ ports: { backups: failing } });
      expect(stopped.code).toBe(code);
      expect(live.cut.commits.filter((step) => step !== "SG_1")).toEqual([]);
      expect(live.world.database.snapshotsOpen).toBe(0);
      expect(await live.start()).toMatchObject({ result: "done", exit_code: 0 });
      expect(live.world.backups.made).toEqual([`${live.world.config.sidecar_root}/run-1/backup/run-1.dump.gpg`]);
    },
  );

  it("stops when the rows moved between the rehearsal and the dump that counts", async () => {
    const arranged = live.start({
      arrange: (world) => {
        const open = world.database.openSnapshot.bind(world.database);
        let opened = 0;
        world.database.openSnapshot = async (documentId, plannedAddresses) => {
          const snapshot = await open(documentId, plannedAddresses);
          opened += 1;
          return opened === 2 ? { ...snapshot, digest: { ...snapshot.digest, sha256: "f".repeat(64) } } : snapshot;
        };
      },
    });
    expect(await arranged).toMatchObject({ code: "ROWS_MOVED", facts: { found: "f".repeat(64) } });
    expect(live.world.backups.made).toEqual([]);
    expect(live.world.database.snapshotsOpen).toBe(0);
  });
});
