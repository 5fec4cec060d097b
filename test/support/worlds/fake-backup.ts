// pg_dump and gpg as far as the backup phase sees them. They keep test/orchestrator/adapters/gpg/contract.ts, as the real ones do.
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { refuseDisk } from "../../../orchestrator/core/host/disk-error.ts";
import type {
  BackupStore,
  DumpRequest,
  DumpSource,
  DumpStream,
  EncryptionResult,
  Encryptor,
  ProvenBackup,
} from "../../../orchestrator/ports/backup.ts";
import type { WritePermission } from "../../../orchestrator/ports/permission.ts";

const recipientKeyId = "0123456789ABCDEF";
const runKeyId = "FEDCBA9876543210";

export class FakeDumpSource implements DumpSource {
  version = "18.6";
  exitCode = 0;
  failure: Error | null = null; // what asking gives, when the helper is away
  readonly requests: DumpRequest[] = [];

  async readVersion(): Promise<string> {
    if (this.failure !== null) throw this.failure;
    return this.version;
  }

  async open(request: DumpRequest): Promise<DumpStream> {
    if (this.failure !== null) throw this.failure;
    this.requests.push(request);
    const ended = Promise.withResolvers<{ readonly code: number; readonly stderr: string }>();
    ended.promise.catch(() => undefined);
    const stream = Readable.from([Buffer.from("PGDMP…")]);
    stream.once("end", () =>
      ended.resolve({ code: this.exitCode, stderr: this.exitCode === 0 ? "" : "pg_dump: error: no matching tables were found" }),
    );
    // no matter once it has ended
    stream.once("close", () => ended.reject(new CutterError("DUMP_STREAM_BROKEN", { why: "the stream was given up" })));
    return { pgDumpVersion: this.version, stream, exit: ended.promise };
  }
}

/** The plaintext stands for the ciphertext. */
export class FakeEncryptor implements Encryptor {
  async encrypt(plaintext: Readable, { destination }: Parameters<Encryptor["encrypt"]>[1]): Promise<EncryptionResult> {
    const bytes = await readAll(plaintext);
    if (destination !== null) await writeAnew(destination, bytes);
    return { ciphertextSha256: sha256(bytes), ciphertextBytes: bytes.length, recipientKeyIds: [recipientKeyId] };
  }
}

/** Proves every backup, or fails as `failure` says; its file holds the run id. */
export class FakeBackupStore implements BackupStore {
  failure: Error | null = null;
  readonly made: string[] = []; // destinations

  async make(permission: WritePermission, { dump, destination }: Parameters<BackupStore["make"]>[1]): Promise<ProvenBackup> {
    if (permission.step !== "pre_write_backup" && permission.step !== "revert")
      throw new Error(`no permission for a backup: ${permission.step}`);
    if (this.failure !== null) throw this.failure;
    const archive = await readAll(dump.stream);
    const { code, stderr } = await dump.exit;
    if (code !== 0) throw new CutterError("BACKUP_UNPROVEN", { step: "pg_dump", exit_code: code, stderr });
    this.made.push(destination);
    const ciphertext = Buffer.from(permission.runId);
    await mkdir(dirname(destination), { recursive: true, mode: 0o700 })
      .then(() => writeAnew(destination, ciphertext))
      .catch(refuseDisk(destination));
    return {
      file: destination,
      ciphertextSha256: sha256(ciphertext),
      ciphertextBytes: ciphertext.length,
      plaintextSha256: sha256(archive),
      recipientKeyIds: [recipientKeyId, runKeyId],
      archiveEntries: 2,
      restored: null,
    };
  }
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** In the place of an earlier file, and of what is left of a broken one. */
async function writeAnew(path: string, bytes: Buffer): Promise<void> {
  await rm(`${path}.partial`, { force: true });
  await rm(path, { force: true });
  await writeFile(path, bytes, { mode: 0o600 });
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
