// One stream through gpg: plaintext in, ciphertext to a new file or to nowhere, both digested on the way. Bounded memory.
import { createWriteStream } from "node:fs";
import { Writable, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CutterError } from "../../core/errors.ts";
import { ByteMeter } from "./byte-meter.ts";
import type { Gpg } from "./run-gpg.ts";

const encryptDeadlineMs = 60 * 60_000;

export interface Encrypted {
  readonly ciphertextSha256: string;
  readonly ciphertextBytes: number;
  readonly plaintextSha256: string;
  readonly head: Buffer; // of the ciphertext
}

/**
 * `file`: made anew, 0600, refused when it is there; null for nowhere.
 * @throws ENCRYPTION_FAILED, PROCESS_*, or the error of either stream
 */
export async function encryptStream(gpg: Gpg, plaintext: Readable, keyFiles: readonly string[], file: string | null): Promise<Encrypted> {
  const plain = new ByteMeter();
  const cipher = new ByteMeter();
  const sink =
    file === null ? new Writable({ write: (_chunk, _encoding, done) => done() }) : createWriteStream(file, { flags: "wx", mode: 0o600 });
  // compression is pg_dump's already; a key goes in by file because a recipient by name silently picks the newest key
  const args = [
    "--trust-model",
    "always",
    ...keyFiles.flatMap((keyFile) => ["--recipient-file", keyFile]),
    "--compress-algo",
    "none",
    "--output",
    "-",
    "--encrypt",
  ];
  const [fed, ended, stored] = await Promise.allSettled([
    pipeline(plaintext, plain),
    gpg.run({ args, stdin: plain, stdout: cipher, deadlineMs: encryptDeadlineMs, agent: false }),
    pipeline(cipher, sink),
  ]);
  // the sink first: when the disk is full, everything before it breaks off in consequence
  if (stored.status === "rejected" && isSystemError(stored.reason)) throw stored.reason;
  if (ended.status === "rejected") throw ended.reason;
  if (ended.value.code !== 0 || cipher.bytes === 0)
    throw new CutterError("ENCRYPTION_FAILED", { exit_code: ended.value.code, stderr: ended.value.stderr.slice(0, 400) });
  if (fed.status === "rejected") throw fed.reason;
  if (stored.status === "rejected") throw stored.reason;
  return { ciphertextSha256: cipher.sha256(), ciphertextBytes: cipher.bytes, plaintextSha256: plain.sha256(), head: cipher.head };
}

/** ENOSPC and its kind; what a broken pipe leaves behind carries codes of node's own, ERR_…. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
