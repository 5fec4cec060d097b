// A proven backup with stock gpg and root's own helper: what it leaves, what it proves, and how it ends when anything on the way is wrong.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { requireRecipients } from "../../../../orchestrator/adapters/gpg/run-gpg.ts";
import { backupTables } from "../../../../orchestrator/core/backup/tables.ts";
import type { ScratchDatabase } from "../../../../orchestrator/ports/backup.ts";
import {
  archiveBytes,
  fromDigest,
  listing,
  makeBackupOwner,
  makeBackupWorld,
  type BackupWorld,
} from "../../../support/worlds/backup-world.ts";
import { toPattern } from "../../../support/refusal-case.ts";

const owner = makeBackupOwner();
afterAll(() => owner.home.remove());
let world: BackupWorld;
beforeEach(async () => {
  world = await makeBackupWorld(owner);
});
afterEach(() => world.remove());

const archive = () => readFileSync(world.host.at("archive"));
const toSha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const nothing = { files: [], homes: [] };

/** Agents whose home was below `homes`: a key in memory is a key left behind. */
const agentsLeft = () =>
  readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(world.homes);
    } catch {
      return false; // it ended while we looked
    }
  });

function scratch(digest: string): ScratchDatabase & { readonly log: string[] } {
  const log: string[] = [];
  return {
    name: "cutter_scratch",
    log,
    withLock: async (work) => {
      log.push("held");
      const result = await work((documentId, addresses) => {
        log.push(`read ${documentId} ${addresses.join(",")} ${String(world.fed("restore")?.length)}`);
        return Promise.resolve(digest);
      });
      log.push("released");
      return result;
    },
  };
}

describe("a proven backup", () => {
  it("is one 0600 file that the owner's key opens to exactly what pg_dump gave out, and the run's key is gone", async () => {
    const made = await world.make({ onWritten: () => Promise.resolve(expect(agentsLeft()).toHaveLength(1)) });
    const ciphertext = readFileSync(world.destination);
    expect(made).toMatchObject({
      file: world.destination,
      ciphertextSha256: toSha256(ciphertext),
      ciphertextBytes: ciphertext.length,
      plaintextSha256: toSha256(archive()),
      archiveEntries: backupTables.length,
      restored: null,
    });
    expect(new Set(made.recipientKeyIds).size).toBe(2);
    expect(statSync(world.destination).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(world.destination)).mode & 0o777).toBe(0o700);
    expect(world.keys.run(["--decrypt"], ciphertext).equals(archive())).toBe(true);
    expect(world.readRemains()).toEqual({ files: ["R.dump.gpg"], homes: [] });
    await expect.poll(agentsLeft).toEqual([]);
    expect(world.argv().filter((line) => line.includes("pg_restore"))).toEqual([
      "exec --interactive --user=65534:65534 postgres pg_restore --list",
    ]);
  });

  it("is restored into the scratch database, held until its digest is read", async () => {
    const held = scratch(fromDigest);
    expect((await world.make({ scratch: held })).restored).toEqual({ database: "cutter_scratch", digest: fromDigest });
    expect(world.fed("restore")?.equals(archive())).toBe(true);
    expect(held.log).toEqual(["held", `read knowledge/other/a.md A:1 ${String(archiveBytes)}`, "released"]);
    const [environment, restore] = world.argv().at(-1)?.split(" postgres pg_restore ") ?? [];
    expect(environment).toMatch(
      /^exec --interactive --env PGOPTIONS=-c search_path=pg_catalog,pg_temp .* -c default_transaction_read_only=off /,
    );
    expect(restore).toBe(
      "--clean --if-exists --no-owner --no-privileges --exit-on-error " +
        "--single-transaction --section=pre-data --section=data --no-password --username=directus --dbname=cutter_scratch",
    );
  });

  it("replaces what an earlier start left, whole or partial", async () => {
    mkdirSync(dirname(world.destination), { recursive: true, mode: 0o700 });
    writeFileSync(`${world.destination}.partial`, "half");
    writeFileSync(world.destination, "old");
    const made = await world.make();
    expect(toSha256(readFileSync(world.destination))).toBe(made.ciphertextSha256);
    expect(world.readRemains()).toEqual({ files: ["R.dump.gpg"], homes: [] });
  });
});

describe("a backup that cannot be proven is not there, nor is its key", () => {
  afterEach(async () => {
    expect(world.readRemains()).toEqual(nothing);
    await expect.poll(agentsLeft).toEqual([]);
  });

  it.each<[string, (partial: string) => void, string]>([
    ["it was truncated on disk", (partial) => truncateSync(partial, 1_000_000), "bytes on disk"],
    ["it grew on disk", (partial) => appendFileSync(partial, "x"), "bytes on disk"],
    ["one byte was flipped on disk", (partial) => flip(partial), "bytes on disk"],
    ["the run's key is gone", () => removeKeys(), "decrypt with the run's key"],
  ])("when %s", async (_what, damage, step) => {
    await expect(world.make({ onWritten: (partial) => Promise.resolve(damage(partial)) })).rejects.toMatchObject({
      code: "BACKUP_UNPROVEN",
      facts: { step },
    });
    expect(world.argv().some((line) => line.includes("pg_restore"))).toBe(false);
  });

  it.each<[string, Parameters<BackupWorld["plant"]>[0], Record<string, unknown>]>([
    [
      "pg_dump failed after its last byte",
      { dump: "cat archive; echo 'pg_dump: error: out of luck' >&2; exit 1" },
      { step: "pg_dump", exit_code: 1 },
    ],
    [
      "pg_restore cannot read it",
      { list: "echo 'pg_restore: error: unsupported version' >&2; exit 1" },
      { step: "pg_restore --list", exit_code: 1, stderr: "pg_restore: error: unsupported version\n" },
    ],
    ["pg_restore died", { list: "kill -9 $$" }, { step: "pg_restore --list", exit_code: 255 }],
  ])("when %s", async (_what, programs, facts) => {
    const dump = programs?.dump?.replace("cat archive", `cat ${world.host.at("archive")}`);
    world.plant({ ...programs, ...(dump === undefined ? {} : { dump }) });
    await expect(world.make()).rejects.toMatchObject({ code: "BACKUP_UNPROVEN", facts });
  });

  it("when the archive lacks a table's data, or names it twice", async () => {
    writeFileSync(world.host.at("listing"), listing([...backupTables.slice(1), "public.unit_version"]));
    await expect(world.make()).rejects.toMatchObject({
      code: "BACKUP_UNPROVEN",
      facts: { step: "table of contents", without_data: ["public.information_unit", "public.unit_version"] },
    });
  });

  it("when the restore fails, or brings other rows", async () => {
    world.plant({ restore: "cat >/dev/null; echo 'pg_restore: error: type missing' >&2; exit 1" });
    await expect(world.make({ scratch: scratch(fromDigest) })).rejects.toMatchObject({
      code: "BACKUP_UNPROVEN",
      facts: { step: "pg_restore", exit_code: 1 },
    });
    world.plant();
    await expect(world.make({ scratch: scratch("e".repeat(64)) })).rejects.toMatchObject({
      code: "BACKUP_UNPROVEN",
      facts: { step: "digest of the restored rows", found: "e".repeat(64) },
    });
  });

  it("when gpg is killed midway", async () => {
    world.plant({ dump: `cat ${world.host.at("archive")}; exec sleep 30` });
    const making = world.make();
    making.catch(() => undefined);
    const encrypting = () => gpgOf("--encrypt");
    await expect.poll(encrypting).toHaveLength(1);
    process.kill(encrypting()[0] ?? 0, "SIGKILL");
    await expect(making).rejects.toMatchObject({ code: "PROCESS_FAILED", facts: { reason: "killed", program: "gpg" } });
  });

  it("when the dump breaks off", async () => {
    const broken = async function* () {
      yield Buffer.from("PGDMP");
      throw new Error("the dump broke off");
    };
    await expect(
      world.make({}, { dump: { pgDumpVersion: "18.6", stream: Readable.from(broken()), exit: new Promise(() => undefined) } }),
    ).rejects.toThrow("the dump broke off");
  });

  it("when the run is told to stop", async () => {
    world.plant({ dump: `cat ${world.host.at("archive")}; exec sleep 30` });
    const stop = new AbortController();
    const making = world.make({ signal: stop.signal });
    making.catch(() => undefined);
    await expect.poll(() => gpgOf("--encrypt")).toHaveLength(1);
    stop.abort();
    await expect(making).rejects.toMatchObject({ name: "AbortError" });
  });

  it("when the run is told to stop while pg_restore works", async () => {
    world.plant({ restore: `cat >/dev/null; touch ${world.host.at("restored")}`, list: "head -c 5 >/dev/null; exec sleep 30" });
    const stop = new AbortController();
    const making = world.make({
      signal: stop.signal,
      archives: {
        ...world.archives,
        list: (archive, sha256) =>
          world.archives.list(
            archive.once("data", () => stop.abort()),
            sha256,
          ),
      },
    });
    await expect(making).rejects.toMatchObject({ name: "AbortError" });
    expect(existsSync(world.host.at("restored"))).toBe(false);
  });

  it("when it is told to stop after the proof and before the name", async () => {
    const stop = new AbortController();
    const archives = {
      ...world.archives,
      list: async (...args: Parameters<typeof world.archives.list>) => world.archives.list(...args).finally(() => stop.abort()),
    };
    await expect(world.make({ signal: stop.signal, archives })).rejects.toMatchObject({ name: "AbortError" });
  });

  it("when the recipient is not the pinned one", async () => {
    await expect(world.make({}, { recipientFingerprint: "A".repeat(40) })).rejects.toMatchObject({ code: "KEY_FINGERPRINT_MISMATCH" });
  });

  it("when the disk has less room than the backup needs", async () => {
    await expect(world.make({}, { expectedBytes: 2 ** 50 })).rejects.toMatchObject({
      code: "DISK_FULL",
      facts: { reason: "too_little_left", path: dirname(world.destination), needed_bytes: Math.ceil(2 ** 50 * 1.1) + 64 * 1024 * 1024 },
    });
  });
});

// a small file system is mounted for it, which takes root
it("tells a disk that fills up midway", async () => {
  const folder = world.host.at("small");
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=66m", "tmpfs", folder]);
  try {
    world.plant({ dump: "head -c 80000000 /dev/zero" });
    await expect(world.make({}, { destination: join(folder, "R.dump.gpg") })).rejects.toMatchObject({
      code: "DISK_FULL",
      facts: { reason: "ENOSPC", path: join(folder, "R.dump.gpg") },
    });
    expect(readdirSync(folder)).toEqual([]);
    expect(world.readRemains().homes).toEqual([]);
  } finally {
    execFileSync("umount", [folder]);
  }
});

it.each([
  ["one packet too few", ["A"]],
  ["one packet too many", ["A", "B", "C"]],
  ["somebody else's packet", ["A", "C"]],
  ["the same packet twice", ["A", "A"]],
])("refuses %s", (_what, found) => {
  expect(() => requireRecipients(found, [["A", "Z"], ["B"]])).toThrow(toPattern("ENCRYPTION_FAILED reason=wrong_recipient"));
  expect(() => requireRecipients(["B", "Z"], [["A", "Z"], ["B"]])).not.toThrow();
});

function flip(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function removeKeys(): void {
  const home = join(world.homes, readdirSync(world.homes)[0] ?? "");
  expect(existsSync(join(home, "private-keys-v1.d"))).toBe(true);
  rmSync(join(home, "private-keys-v1.d"), { recursive: true });
}

/** gpg processes of this test that have the given word in their arguments. */
function gpgOf(word: string): readonly number[] {
  return agentsLeft()
    .map(Number)
    .filter((pid) => {
      const argv = readFileSync(`/proc/${String(pid)}/cmdline`, "utf8").split("\0");
      return argv[0] === "gpg" && argv.includes(word);
    });
}
