// The backup that counts: encrypted to the pinned recipient and to a key of this run, proven from the bytes on disk, and only then given
// its name.
import { mkdir, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { CutterError } from "../../core/errors.ts";
import { refuseDisk, toDiskError } from "../../core/host/disk-error.ts";
import type { ArchiveReader, BackupStore, ProvenBackup, ScratchDatabase } from "../../ports/backup.ts";
import { encryptStream } from "./encrypt-stream.ts";
import { readRecipient, type GpgOptions } from "./gpg-encryptor.ts";
import { proveArchive } from "./prove-archive.ts";
import { publish, syncPath } from "./publish.ts";
import { listRecipients, requireRecipients, withGpgHome } from "./run-gpg.ts";
import { makeRunKey } from "./run-key.ts";

/** Kept free besides the backup itself: journal, documents and evidence of the run still have to fit. */
const reserveBytes = 64 * 1024 * 1024;

export interface BackupStoreOptions extends GpgOptions {
  readonly archives: ArchiveReader;
  readonly tables: readonly string[]; // whose data every backup must hold
  readonly scratch: ScratchDatabase | null;
  /** Tests damage the file here: it is whole on disk and not yet proven. */
  readonly onWritten?: (partial: string) => Promise<void>;
}

export function gpgBackupStore(options: BackupStoreOptions): BackupStore {
  return {
    async make(permission, request) {
      if (permission.step !== "pre_write_backup" && permission.step !== "revert")
        throw new Error(`no permission for a backup: ${permission.step}`);
      const { dump, destination } = request;
      const partial = `${destination}.partial`;
      dump.exit.catch(() => undefined); // awaited after the encryption, unless that fails
      try {
        await mkdir(dirname(destination), { recursive: true, mode: 0o700 }).catch(refuseDisk(dirname(destination)));
        await requireSpace(dirname(destination), request.expectedBytes ?? 0);
        await rm(partial, { force: true }); // of a start that was killed
        const proven = await encryptAndProve(options, request, partial);
        options.signal?.throwIfAborted();
        await publish(partial, destination);
        return proven;
      } catch (error) {
        throw toDiskError(error, destination);
      } finally {
        dump.stream.destroy();
        await rm(partial, { force: true }).catch(() => undefined); // a disk that refuses even that: the next start removes it
      }
    },
  };
}

type Request = Parameters<BackupStore["make"]>[1];

/** The run's key lives in here and nowhere else: it is gone before the file is published. */
function encryptAndProve(options: BackupStoreOptions, request: Request, partial: string): Promise<ProvenBackup> {
  const { dump, recipientKeyFile, recipientFingerprint } = request;
  return withGpgHome(options.homeParent, options.signal, async (gpg) => {
    const recipient = await readRecipient(options.clock, recipientKeyFile, recipientFingerprint);
    const runKey = await makeRunKey(gpg);
    const written = await encryptStream(gpg, dump.stream, [recipientKeyFile, runKey.file], partial);
    const exit = await dump.exit;
    if (exit.code !== 0)
      throw new CutterError("BACKUP_UNPROVEN", { step: "pg_dump", exit_code: exit.code, stderr: exit.stderr.slice(0, 500) });
    await syncPath(partial);
    await options.onWritten?.(partial);
    const proof = await proveArchive({
      gpg,
      file: partial,
      written,
      archives: options.archives,
      tables: options.tables,
      scratch: options.scratch,
      request,
    });
    const recipientKeyIds = await listRecipients(gpg, proof.head);
    requireRecipients(recipientKeyIds, [recipient.encryptionKeyIds, [runKey.encryptionKeyId]]);
    return {
      file: request.destination,
      ciphertextSha256: written.ciphertextSha256,
      ciphertextBytes: written.ciphertextBytes,
      plaintextSha256: written.plaintextSha256,
      recipientKeyIds,
      archiveEntries: proof.archiveEntries,
      restored: proof.restored,
    };
  });
}

/** @throws DISK_FULL */
async function requireSpace(folder: string, expectedBytes: number): Promise<void> {
  const freeBytes = await readFreeBytes(folder);
  const neededBytes = Math.ceil(expectedBytes * 1.1) + reserveBytes;
  if (freeBytes < neededBytes)
    throw new CutterError("DISK_FULL", { reason: "too_little_left", path: folder, needed_bytes: neededBytes, free_bytes: freeBytes });
}

/** What a user without privileges may still take. */
async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
