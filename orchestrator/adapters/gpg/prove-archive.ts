// The proof of a backup, from the bytes on disk: their digest, what they decrypt to, what pg_restore finds in it, and what comes back out
// of a restore.
import { createReadStream } from "node:fs";
import { PassThrough, type Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CutterError } from "../../core/errors.ts";
import type { ArchiveReader, ProvenBackup, ScratchDatabase } from "../../ports/backup.ts";
import { ByteMeter } from "./byte-meter.ts";
import type { Encrypted } from "./encrypt-stream.ts";
import type { Gpg } from "./run-gpg.ts";

const decryptDeadlineMs = 60 * 60_000;

export interface ArchiveProofInputs {
  readonly gpg: Gpg; // holds the run's key
  readonly file: string;
  readonly written: Encrypted;
  readonly archives: ArchiveReader;
  readonly tables: readonly string[];
  readonly scratch: ScratchDatabase | null;
  readonly request: { readonly documentId: string; readonly plannedAddresses: readonly string[]; readonly fromDigest: string };
}

export interface ArchiveProof extends Pick<ProvenBackup, "archiveEntries" | "restored"> {
  readonly head: Buffer; // of the bytes on disk
}

/**
 * In the order that trusts least: pg_restore sees nothing before a whole decryption had the digest of what pg_dump gave out, since `gpg -d`
 * passes most of a damaged plaintext on before it says no. Nothing of the plaintext touches a disk. @throws BACKUP_UNPROVEN with the step
 * that failed, PROCESS_*, DUMP_*
 */
export async function proveArchive(inputs: ArchiveProofInputs): Promise<ArchiveProof> {
  const head = await requireSameBytes(inputs);
  await decryptInto(inputs, (archive) => pipeline(archive, new Writable({ write: (_chunk, _encoding, done) => done() })));
  const archiveEntries = await requireWholeListing(inputs);
  return { head, archiveEntries, restored: inputs.scratch === null ? null : await restore(inputs, inputs.scratch) };
}

async function requireSameBytes({ file, written }: ArchiveProofInputs): Promise<Buffer> {
  const meter = new ByteMeter();
  await pipeline(createReadStream(file), meter, new Writable({ write: (_chunk, _encoding, done) => done() }));
  const found = meter.sha256();
  if (found !== written.ciphertextSha256)
    throw new CutterError("BACKUP_UNPROVEN", {
      step: "bytes on disk",
      expected_sha256: written.ciphertextSha256,
      found_sha256: found,
      expected_bytes: written.ciphertextBytes,
      found_bytes: meter.bytes,
    });
  return meter.head;
}

async function requireWholeListing(inputs: ArchiveProofInputs): Promise<number> {
  const { code, listing, stderr } = await decryptInto(inputs, (archive) => inputs.archives.list(archive, inputs.written.plaintextSha256));
  if (code !== 0) throw new CutterError("BACKUP_UNPROVEN", { step: "pg_restore --list", exit_code: code, stderr: stderr.slice(0, 500) });
  const missing = toMissingTables(listing, inputs.tables);
  if (missing.length > 0) throw new CutterError("BACKUP_UNPROVEN", { step: "table of contents", without_data: missing });
  return toArchivedTables(listing).length;
}

/** The scratch database is held from before the restore until its digest is read: two runs never read each other's rows. */
async function restore(inputs: ArchiveProofInputs, scratch: ScratchDatabase): Promise<NonNullable<ProvenBackup["restored"]>> {
  const { documentId, plannedAddresses, fromDigest } = inputs.request;
  const digest = await scratch.withLock(async (readDigest) => {
    const { code, stderr } = await decryptInto(inputs, (archive) => inputs.archives.restore(archive, inputs.written.plaintextSha256));
    if (code !== 0)
      throw new CutterError("BACKUP_UNPROVEN", {
        step: "pg_restore",
        database: scratch.name,
        exit_code: code,
        stderr: stderr.slice(0, 500),
      });
    return readDigest(documentId, plannedAddresses);
  });
  if (digest !== fromDigest)
    throw new CutterError("BACKUP_UNPROVEN", {
      step: "digest of the restored rows",
      database: scratch.name,
      expected: fromDigest,
      found: digest,
    });
  return { database: scratch.name, digest };
}

/**
 * One decryption with the run's key, its plaintext handed to `take`. Every one is judged: the bytes read, gpg's exit code, the bytes given
 * out.
 */
async function decryptInto<Result>(
  { gpg, file, written }: ArchiveProofInputs,
  take: (archive: Readable) => Promise<Result>,
): Promise<Result> {
  const cipher = new ByteMeter();
  const plain = new ByteMeter();
  const archive = new PassThrough();
  const taking = take(archive).finally(() => archive.resume());
  const [read, ended, given, taken] = await Promise.allSettled([
    pipeline(createReadStream(file), cipher),
    gpg.run({ args: ["--decrypt", "--output", "-"], stdin: cipher, stdout: plain, deadlineMs: decryptDeadlineMs, agent: true }),
    pipeline(plain, archive),
    taking,
  ]);
  // told to stop: whatever else broke off did so in consequence
  if (ended.status === "rejected" && isAbort(ended.reason)) throw ended.reason;
  if (taken.status === "rejected" && taken.reason instanceof CutterError) throw taken.reason; // the archive's reader gave up, and the rest in consequence
  if (ended.status === "rejected") throw ended.reason;
  if (ended.value.code !== 0)
    throw new CutterError("BACKUP_UNPROVEN", {
      step: "decrypt with the run's key",
      exit_code: ended.value.code,
      stderr: ended.value.stderr.slice(-400),
    });
  for (const settled of [read, given, taken]) if (settled.status === "rejected") throw settled.reason;
  const [cipherSha256, plainSha256] = [cipher.sha256(), plain.sha256()];
  if (cipherSha256 !== written.ciphertextSha256)
    throw new CutterError("BACKUP_UNPROVEN", {
      step: "bytes on disk",
      expected_sha256: written.ciphertextSha256,
      found_sha256: cipherSha256,
    });
  if (plainSha256 !== written.plaintextSha256)
    throw new CutterError("BACKUP_UNPROVEN", {
      step: "decrypted archive",
      expected_sha256: written.plaintextSha256,
      found_sha256: plainSha256,
    });
  if (taken.status === "rejected") throw taken.reason;
  return taken.value;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Schema-qualified names of the tables whose data the archive holds, in its order. */
export function toArchivedTables(listing: string): readonly string[] {
  return [...listing.matchAll(/^\d+; \d+ \d+ TABLE DATA (\S+) (\S+) \S+$/gm)].map(([, schema = "", table = ""]) => `${schema}.${table}`);
}

/** Of `expected`, those whose data the archive does not hold exactly once. */
export function toMissingTables(listing: string, expected: readonly string[]): readonly string[] {
  const found = toArchivedTables(listing);
  return expected.filter((table) => found.filter((name) => name === table).length !== 1);
}
