// The narrow backup: a stream of pg_dump of the server's own version, and its encryption.
import type { Readable } from "node:stream";
import type { WritePermission } from "./permission.ts";

export interface DumpRequest {
  readonly snapshotId: string;
  readonly tables: readonly string[]; // schema-qualified, matched strictly
}

export interface DumpStream {
  readonly pgDumpVersion: string; // e.g. "18.6"
  readonly stream: Readable; // custom format (-Fc)
  /** Settles after the stream ended. code 0 is the only success; stderr is capped and holds no row data. */
  readonly exit: Promise<{ readonly code: number; readonly stderr: string }>;
}

export interface DumpSource {
  /** Version of the pg_dump that would be used, e.g. "18.6"; nothing is dumped. */
  readVersion(): Promise<string>;
  open(request: DumpRequest): Promise<DumpStream>;
}

export interface EncryptionResult {
  readonly ciphertextSha256: string;
  readonly ciphertextBytes: number;
  readonly recipientKeyIds: readonly string[]; // exactly those asked for, read from the packets
}

export interface Encryptor {
  /**
   * Encrypts to the pinned recipient and, if `runKey`, to a key made for this run. `destination` null: the stream ends nowhere, no file is
   * left.
   */
  encrypt(
    plaintext: Readable,
    options: { readonly recipientKeyFile: string; readonly recipientFingerprint: string; readonly destination: string | null },
  ): Promise<EncryptionResult>;
}

/** A backup that was proven before it counted (decision 30). */
export interface ProvenBackup {
  readonly file: string; // absolute path of the ciphertext
  readonly ciphertextSha256: string;
  readonly ciphertextBytes: number;
  readonly plaintextSha256: string; // of pg_dump's archive, as streamed and as decrypted again
  readonly recipientKeyIds: readonly string[]; // the pinned recipient's and the run key's
  readonly archiveEntries: number; // lines of the archive's table of contents that name a table's data
  readonly restored: { readonly database: string; readonly digest: string } | null; // null without a scratch database
}

/**
 * What pg_restore of the server's own version says of an archive. It takes only archives that its own pg_dump has given out, by their
 * sha256.
 */
export interface ArchiveReader {
  /** The table of contents; code 0 is the only success. @throws DUMP_UNREACHABLE, DUMP_STREAM_BROKEN, or the archive stream's own error */
  list(archive: Readable, sha256: string): Promise<{ readonly code: number; readonly listing: string; readonly stderr: string }>;
  /** Into the scratch database and no other, in one transaction. @throws as list */
  restore(archive: Readable, sha256: string): Promise<{ readonly code: number; readonly stderr: string }>;
}

/** The database of the restore proof, held by one run at a time. */
export interface ScratchDatabase {
  readonly name: string;
  /**
   * Waits for whoever proves a backup there now, and holds it while `work` runs. `readDigest` reads what was restored, with a login that
   * can only read.
   */
  withLock<Result>(
    work: (readDigest: (documentId: string, plannedAddresses: readonly string[]) => Promise<string>) => Promise<Result>,
  ): Promise<Result>;
}

export interface BackupStore {
  /**
   * Streams the dump to `<folder>/<name>`, encrypted to the pinned recipient and to a key made for this run on tmpfs; proves the bytes on
   * disk (digest, decrypt with the run key, list the archive, restore into the scratch database if there is one); destroys the run key
   * whatever happens. Nothing is left at the destination unless it is proven; a file of an earlier try is replaced. `expectedBytes`: the
   * size measured before, if it was.
   * @throws BACKUP_UNPROVEN, ENCRYPTION_*, KEY_*, DUMP_*, DISK_FULL
   */
  make(
    permission: WritePermission,
    request: {
      readonly dump: DumpStream;
      readonly destination: string;
      readonly recipientKeyFile: string;
      readonly recipientFingerprint: string;
      readonly documentId: string;
      readonly plannedAddresses: readonly string[];
      readonly fromDigest: string;
      readonly expectedBytes?: number;
    },
  ): Promise<ProvenBackup>;
}
