// pg_dump and gpg as far as the backup phase sees them.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import type { BackupStore, DumpRequest, DumpSource, DumpStream, EncryptionResult, Encryptor, ProvenBackup } from "../../../orchestrator/ports/backup.ts";
import type { WritePermission } from "../../../orchestrator/ports/permission.ts";

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
    return { pgDumpVersion: this.version, stream: Readable.from([Buffer.from("PGDMP…")]), exit: Promise.resolve({ code: this.exitCode, stderr: this.exitCode === 0 ? "" : "pg_dump: error: no matching tables were found" }) };
  }
}

/** Reads the stream to its end, as the real one does; nothing is kept. */
export class FakeEncryptor implements Encryptor {
  async encrypt(plaintext: Readable): Promise<EncryptionResult> {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of plaintext) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return { ciphertextSha256: hash.digest("hex"), ciphertextBytes: bytes, recipientKeyIds: ["0123456789ABCDEF"] };
  }
}

/** Proves every backup, or fails as `failure` says; its file holds the run id. */
export class FakeBackupStore implements BackupStore {
  failure: Error | null = null;
  readonly made: string[] = []; // destinations

  async make(permission: WritePermission, request: Parameters<BackupStore["make"]>[1]): Promise<ProvenBackup> {
    if (this.failure !== null) throw this.failure;
    for await (const chunk of request.dump.stream) if (chunk === null) break;
    this.made.push(request.destination);
    await mkdir(dirname(request.destination), { recursive: true, mode: 0o700 });
    await writeFile(request.destination, permission.runId, { mode: 0o600 });
    const sha256 = createHash("sha256").update(permission.runId).digest("hex");
    return { file: request.destination, ciphertextSha256: sha256, ciphertextBytes: 7, plaintextSha256: sha256, recipientKeyIds: ["0123456789ABCDEF"], archiveEntries: 2, restored: null };
  }
}
