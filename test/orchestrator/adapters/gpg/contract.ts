// What dump, encryption and backup must do behind their ports; run against the helper's socket with stock gpg, and against the fakes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { BackupStore, DumpSource, DumpStream, Encryptor, ProvenBackup } from "../../../../orchestrator/ports/backup.ts";
import type { WritePermission } from "../../../../orchestrator/ports/permission.ts";
import { makePermission } from "../../../support/write-permission.ts";

export interface BackupSetting {
  readonly source: DumpSource;
  readonly encryptor: Encryptor;
  readonly store: BackupStore;
  readonly recipient: { readonly recipientKeyFile: string; readonly recipientFingerprint: string };
  readonly folder: string; // empty; destinations lie in it
  /** pg_dump ends with this code after its last byte. */
  failWith(code: number): void;
  /** The way to pg_dump is gone. */
  goAway(): Promise<void>;
}

const request = { snapshotId: "00000003-0000001B-1", tables: ["public.information_unit", "public.unit_version"] };
const toSha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export function itKeepsTheBackupContract(toSetting: () => BackupSetting): void {
  const readAll = async ({ stream }: DumpStream): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const destination = (): string => join(toSetting().folder, "R/backup/R.dump.gpg");
  const left = (): readonly string[] => (existsSync(dirname(destination())) ? readdirSync(dirname(destination())) : []);
  const make = async (
    permission: WritePermission = makePermission("R", "pre_write_backup").permission,
    dump?: DumpStream,
  ): Promise<ProvenBackup> => {
    const { store, source, recipient } = toSetting();
    return store.make(permission, {
      dump: dump ?? (await source.open(request)),
      destination: destination(),
      ...recipient,
      documentId: "knowledge/other/a.md",
      plannedAddresses: [],
      fromDigest: "d".repeat(64),
    });
  };
  const broken = async (): Promise<DumpStream> => {
    const dump = await toSetting().source.open(request);
    dump.exit.catch(() => undefined);
    const breaking = async function* () {
      yield Buffer.from("PGDMP");
      dump.stream.destroy(); // else its sender waits for a reader until it gives up
      throw new Error("the dump broke off");
    };
    return { ...dump, stream: Readable.from(breaking()) };
  };

  describe("a dump", () => {
    it("tells one version whoever asks, gives an archive, and its exit code when the stream has ended", async () => {
      const { source } = toSetting();
      const version = await source.readVersion();
      expect(version).toMatch(/^\d+\.\d+$/);
      const dump = await source.open(request);
      let ended = false;
      const exit = dump.exit.then((end) => ((ended = true), end));
      expect([dump.pgDumpVersion, ended]).toEqual([version, false]);
      expect((await readAll(dump)).subarray(0, 5).toString()).toBe("PGDMP");
      expect(await exit).toEqual({ code: 0, stderr: "" });
    });

    it("that failed says so by its exit code alone", async () => {
      toSetting().failWith(1);
      const dump = await toSetting().source.open(request);
      await readAll(dump);
      expect(await dump.exit).toEqual({ code: 1, stderr: expect.stringContaining("pg_dump: error") });
    });

    it("given up before its end tells no exit code", async () => {
      const dump = await toSetting().source.open(request);
      dump.stream.destroy();
      await expect(dump.exit).rejects.toMatchObject({ code: "DUMP_STREAM_BROKEN" });
    });

    it("cannot be had, nor its version, when nobody answers", async () => {
      await toSetting().goAway();
      await expect(toSetting().source.readVersion()).rejects.toMatchObject({ code: "DUMP_UNREACHABLE" });
      await expect(toSetting().source.open(request)).rejects.toMatchObject({ code: "DUMP_UNREACHABLE" });
    });
  });

  describe("an encryption", () => {
    const plaintext = (): Readable => Readable.from([Buffer.alloc(100_000, "information unit ")]);

    it("is one 0600 file whose digest and size are told, for one recipient; nowhere, it leaves no file", async () => {
      const { encryptor, recipient, folder } = toSetting();
      const nowhere = await encryptor.encrypt(plaintext(), { ...recipient, destination: null });
      expect([nowhere.recipientKeyIds.length, nowhere.ciphertextBytes > 0, readdirSync(folder)]).toEqual([1, true, []]);
      const file = join(folder, "backup.gpg");
      const written = await encryptor.encrypt(plaintext(), { ...recipient, destination: file });
      expect(written).toEqual({
        ciphertextSha256: toSha256(readFileSync(file)),
        ciphertextBytes: statSync(file).size,
        recipientKeyIds: nowhere.recipientKeyIds,
      });
      expect([statSync(file).mode & 0o777, readdirSync(folder)]).toEqual([0o600, ["backup.gpg"]]);
    });

    it("of a stream that breaks off throws what broke it, and leaves nothing", async () => {
      const { encryptor, recipient, folder } = toSetting();
      const { stream } = await broken();
      await expect(encryptor.encrypt(stream, { ...recipient, destination: join(folder, "backup.gpg") })).rejects.toThrow(
        "the dump broke off",
      );
      expect([readdirSync(folder), stream.destroyed]).toEqual([[], true]);
    });
  });

  describe("a backup", () => {
    it("is one 0600 file in a 0700 folder, told as it lies there, for the recipient and the run's key; an earlier one is replaced", async () => {
      mkdirSync(dirname(destination()), { recursive: true, mode: 0o700 });
      writeFileSync(destination(), "old");
      writeFileSync(`${destination()}.partial`, "half");
      const { source } = toSetting();
      const archive = await readAll(await source.open(request));
      const made = await make();
      const bytes = readFileSync(destination());
      expect(made).toMatchObject({
        file: destination(),
        ciphertextSha256: toSha256(bytes),
        ciphertextBytes: bytes.length,
        plaintextSha256: toSha256(archive),
        restored: null,
      });
      expect([new Set(made.recipientKeyIds).size, made.archiveEntries > 0]).toEqual([2, true]);
      expect([statSync(destination()).mode & 0o777, statSync(dirname(destination())).mode & 0o777, left()]).toEqual([
        0o600,
        0o700,
        ["R.dump.gpg"],
      ]);
    });

    it("of a pg_dump that failed, or of a dump that broke off, is not there", async () => {
      await expect(make(undefined, await broken())).rejects.toThrow("the dump broke off");
      expect(left()).toEqual([]);
      toSetting().failWith(1);
      await expect(make()).rejects.toMatchObject({ code: "BACKUP_UNPROVEN", facts: { step: "pg_dump", exit_code: 1 } });
      expect(left()).toEqual([]);
    });

    it("is made with a backup's permission and no other", async () => {
      const dump = await toSetting().source.open(request);
      await expect(make(makePermission("R", "cut_leg_a").permission, dump)).rejects.toThrow("no permission for a backup");
      expect(left()).toEqual([]);
      dump.exit.catch(() => undefined);
      dump.stream.destroy();
      expect((await make(makePermission("R", "revert").permission)).file).toBe(destination());
    });
  });
}
