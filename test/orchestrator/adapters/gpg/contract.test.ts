// The contract of dump, encryption and backup: through root's own helper with stock gpg, and on the fakes of the engine's tests.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe } from "vitest";
import { gpgBackupStore } from "../../../../orchestrator/adapters/gpg/backup-store.ts";
import { gpgEncryptor } from "../../../../orchestrator/adapters/gpg/gpg-encryptor.ts";
import { systemClock } from "../../../../orchestrator/adapters/system-clock/system-clock.ts";
import { backupTables } from "../../../../orchestrator/core/backup/tables.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { makeBackupOwner, makeBackupWorld } from "../../../support/worlds/backup-world.ts";
import { FakeBackupStore, FakeDumpSource, FakeEncryptor } from "../../../support/worlds/fake-backup.ts";
import { itKeepsTheBackupContract, type BackupSetting } from "./contract.ts";

const owner = makeBackupOwner();
afterAll(() => owner.home.remove());

interface Opened extends BackupSetting {
  close(): Promise<void>;
}

async function openReal(folder: string): Promise<Opened> {
  const world = await makeBackupWorld(owner);
  const { source, archives, homes, recipient } = world;
  return {
    folder,
    source,
    recipient,
    encryptor: gpgEncryptor({ homeParent: homes, clock: systemClock }),
    store: gpgBackupStore({ homeParent: homes, clock: systemClock, archives, tables: backupTables, scratch: null }),
    failWith: (code) =>
      world.plant({ dump: `cat ${world.host.at("archive")}; echo 'pg_dump: error: out of luck' >&2; exit ${String(code)}` }),
    goAway: async () => rmSync(world.host.at("dump.sock")),
    close: () => world.remove(),
  };
}

async function openFake(folder: string): Promise<Opened> {
  const source = new FakeDumpSource();
  return {
    folder,
    source,
    encryptor: new FakeEncryptor(),
    store: new FakeBackupStore(),
    recipient: { recipientKeyFile: "/etc/cutter/keys/backup.asc", recipientFingerprint: "A".repeat(40) },
    failWith: (code) => void (source.exitCode = code),
    goAway: async () => void (source.failure = new CutterError("DUMP_UNREACHABLE", { path: "/run/cutter/dump.sock" })),
    close: () => Promise.resolve(),
  };
}

describe.each([
  ["the helper and gpg", openReal],
  ["the fakes", openFake],
] as const)("%s keep the contract:", (_name, open) => {
  let opened: Opened;
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "cutter-backup-contract-"));
    opened = await open(folder);
  });
  afterEach(async () => {
    await opened.close();
    rmSync(folder, { recursive: true });
  });
  itKeepsTheBackupContract(() => opened);
});
