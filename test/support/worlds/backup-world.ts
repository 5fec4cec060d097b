// Everything a proven backup needs, on this machine: stock gpg with a pinned key, root's helper behind a real socket, and a stand-in for
// docker that plays pg_dump and pg_restore.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { archiveSocket } from "../../../orchestrator/adapters/dump-socket/archive-socket.ts";
import { dumpSocket } from "../../../orchestrator/adapters/dump-socket/dump-socket.ts";
import { gpgBackupStore, type BackupStoreOptions } from "../../../orchestrator/adapters/gpg/backup-store.ts";
import { backupTables } from "../../../orchestrator/core/backup/tables.ts";
import type { ArchiveReader, BackupStore, DumpSource, DumpStream, ProvenBackup } from "../../../orchestrator/ports/backup.ts";
import { serveDump } from "../../../orchestrator/root-helper/dump/serve.ts";
import { configText, makeHostFolder, type HostFolder } from "../host-folder.ts";
import { createGpgHome, type GpgHome } from "../gpg.ts";
import { makePermission } from "../write-permission.ts";

export const fromDigest = "d".repeat(64);
export const archiveBytes = 3_000_123; // not a multiple of any piece

export interface BackupOwner {
  readonly home: GpgHome;
  readonly fingerprint: string;
  readonly keyFile: string;
}

export interface BackupWorld {
  readonly host: HostFolder;
  readonly keys: GpgHome;
  readonly homes: string; // parent of the throw-away homes
  readonly destination: string;
  readonly recipient: { readonly recipientKeyFile: string; readonly recipientFingerprint: string };
  readonly source: DumpSource;
  readonly archives: ArchiveReader;
  /** What pg_restore got on stdin, per kind. */
  fed(kind: "list" | "restore"): Buffer | null;
  argv(): readonly string[];
  /** Changes what the stand-ins do; the defaults succeed. */
  plant(change?: Partial<Programs>): void;
  open(): Promise<DumpStream>;
  make(change?: Partial<BackupStoreOptions>, request?: Partial<Parameters<BackupStore["make"]>[1]>): Promise<ProvenBackup>;
  /** Files at the destination's folder and homes left behind: both empty after a refusal. */
  readRemains(): { readonly files: readonly string[]; readonly homes: readonly string[] };
  remove(): Promise<void>;
}

/** Bodies of sh. */
interface Programs {
  readonly dump: string;
  readonly list: string;
  readonly restore: string;
}

export const listing = (tables: readonly string[] = backupTables): string =>
  [
    ";",
    "; Archive created at 2026-11-22 10:00:00 UTC",
    ";     dbname: directus",
    ";",
    ...tables.map((table, at) => `${String(3400 + at)}; 0 ${String(16400 + at)} TABLE DATA ${table.replace(".", " ")} directus`),
    "",
  ].join("\n");

/** The owner of the backups: its key is made once for a test file. Whoever makes it removes the home. */
export function makeBackupOwner(): BackupOwner {
  const home = createGpgHome();
  const fingerprint = home.createKey("backup recipient");
  return { home, fingerprint, keyFile: home.exportKey(fingerprint, "backup.asc") };
}

export async function makeBackupWorld({ home: keys, fingerprint, keyFile }: BackupOwner): Promise<BackupWorld> {
  const host = makeHostFolder();
  host.write("etc/cutter/orchestrator.yaml", configText("scratch_database: cutter_scratch"), 0o640);
  mkdirSync(host.at("bin"));
  const homes = mkdtempSync("/tmp/ch");
  writeFileSync(host.at("archive"), Buffer.alloc(archiveBytes, "PGDMP information unit "));
  writeFileSync(host.at("listing"), listing());
  const server = createServer({ allowHalfOpen: true }, (socket) => void serveDump(host.host, socket, `${host.at("bin")}:/usr/bin:/bin`));
  server.listen(host.at("dump.sock"));
  await once(server, "listening");
  const socket = { path: host.at("dump.sock"), idleMs: 10_000 };
  const source = dumpSocket(socket);
  const archives = archiveSocket(socket);
  const destination = host.at("var/lib/cutter/runs/R/backup/R.dump.gpg");
  const plant = (change: Partial<Programs> = {}) => {
    const { dump, list, restore } = {
      dump: `cat ${host.at("archive")}`,
      list: `head -c 5 >${host.at("fed-list")}; cat ${host.at("listing")}`,
      restore: `cat >${host.at("fed-restore")}`,
      ...change,
    };
    const body =
      `#!/bin/sh\nprintf '%s\\n' "$*" >>${host.at("argv")}\ncase "$*" in\n*--version*) echo "pg_dump (PostgreSQL) 18.6 (Debian ` +
      `18.6-1)";;\n*"pg_restore --list"*) ${list};;\n*pg_restore*) ${restore};;\n*pg_dump*) ${dump};;\n*) exit 99;;\nesac\n`;
    writeFileSync(host.at("bin/docker"), body);
    chmodSync(host.at("bin/docker"), 0o755);
  };
  plant();
  const open = () => source.open({ snapshotId: "00000003-0000001B-1", tables: [...backupTables] });
  const world: BackupWorld = {
    host,
    keys,
    homes,
    destination,
    recipient: { recipientKeyFile: keyFile, recipientFingerprint: fingerprint },
    source,
    archives,
    plant,
    open,
    fed: (kind) => (existsSync(host.at(`fed-${kind}`)) ? readFileSync(host.at(`fed-${kind}`)) : null),
    argv: () => readFileSync(host.at("argv"), "utf8").trim().split("\n"),
    make: async (change = {}, request = {}) => {
      const dump = request.dump ?? (await open());
      const clock = { now: () => new Date(), monotonicMs: () => performance.now(), wait: () => Promise.resolve() };
      return gpgBackupStore({ homeParent: homes, clock, archives, tables: backupTables, scratch: null, ...change }).make(
        makePermission("R", "pre_write_backup").permission,
        {
          dump,
          destination,
          recipientKeyFile: keyFile,
          recipientFingerprint: fingerprint,
          documentId: "knowledge/other/a.md",
          plannedAddresses: ["A:1"],
          fromDigest,
          ...request,
        },
      );
    },
    readRemains: () => ({
      files: existsSync(join(destination, "..")) ? readdirSync(join(destination, "..")) : [],
      homes: readdirSync(homes),
    }),
    remove: async () => {
      await new Promise((done) => server.close(done));
      host.remove();
      rmSync(homes, { recursive: true });
    },
  };
  return world;
}
