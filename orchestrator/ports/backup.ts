// The narrow backup: a stream of pg_dump of the server's own version, and its encryption.
import type { Readable } from "node:stream";

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
  /** Encrypts to the pinned recipient and, if `runKey`, to a key made for this run. `destination` null: the stream ends nowhere, no file is left. */
  encrypt(plaintext: Readable, options: { readonly recipientKeyFile: string; readonly recipientFingerprint: string; readonly destination: string | null }): Promise<EncryptionResult>;
}
