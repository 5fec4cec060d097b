// Encrypts the backup stream with the host's own gpg, as a child process: bounded memory, and the keyring of nobody.
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdtemp, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Transform, Writable, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../../ports/clock.ts";
import type { EncryptionResult, Encryptor } from "../../ports/backup.ts";
import { CutterError } from "../../core/errors.ts";
import { readPinnedKey } from "../../core/public-key.ts";
import { toErrorCode } from "../node-files/node-files.ts";
import { runProcess } from "../process/run-process.ts";

const encryptDeadlineMs = 60 * 60_000;
const listDeadlineMs = 30_000;
const headBytes = 16 * 1024; // the packets that name the recipients stand first

export interface GpgOptions {
  /** Parent of the throw-away home: short, because gpg's agent socket must stay under 108 bytes. */
  readonly homeParent: string;
  readonly clock: Clock;
}

/** @throws KEY_* for the recipient, ENCRYPTION_FAILED, ENCRYPTION_WRONG_RECIPIENT, PROCESS_*; on any of them no file is left at the destination. */
export function gpgEncryptor(options: GpgOptions): Encryptor {
  return {
    async encrypt(plaintext, request) {
      try {
        const keyBytes = await readKeyFile(request.recipientKeyFile);
        const key = await readPinnedKey(keyBytes, { fingerprint: request.recipientFingerprint, fileSha256: null }, "encrypt", options.clock.now());
        return await encryptInHome(options.homeParent, plaintext, request, key.encryptionKeyIds);
      } finally {
        plaintext.destroy(); // whatever refused: nobody may wait for a reader that is gone
      }
    },
  };
}

async function readKeyFile(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw new CutterError("KEY_FILE_UNREADABLE", { file, problem: toErrorCode(cause) ?? "unknown" }, { cause });
  });
}

async function encryptInHome(homeParent: string, plaintext: Readable, request: Parameters<Encryptor["encrypt"]>[1], expected: readonly string[]): Promise<EncryptionResult> {
  const home = await mkdtemp(join(homeParent, "g")); // 0700
  const partial = request.destination === null ? null : `${request.destination}.partial`;
  try {
    const result = await encryptTo(plaintext, home, request.recipientKeyFile, partial);
    const recipientKeyIds = await listRecipients(result.head, home);
    if (recipientKeyIds.length !== 1 || recipientKeyIds.some((id) => !expected.includes(id))) throw new CutterError("ENCRYPTION_WRONG_RECIPIENT", { expected, found: recipientKeyIds });
    if (partial !== null && request.destination !== null) await publish(partial, request.destination);
    return { ciphertextSha256: result.sha256, ciphertextBytes: result.bytes, recipientKeyIds };
  } finally {
    if (partial !== null) await rm(partial, { force: true });
    await rm(home, { recursive: true, force: true });
  }
}

interface Ciphertext {
  readonly sha256: string;
  readonly bytes: number;
  readonly head: Buffer;
}

async function encryptTo(plaintext: Readable, home: string, keyFile: string, file: string | null): Promise<Ciphertext> {
  const hash = createHash("sha256");
  const head: Buffer[] = [];
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      if (bytes < headBytes) head.push(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const sink = file === null ? new Writable({ write: (_chunk, _encoding, done) => done() }) : createWriteStream(file, { flags: "wx", mode: 0o600 });
  const stored = pipeline(meter, sink);
  // compression is pg_dump's already; the key goes in by file because a recipient by name silently picks the newest key
  const args = ["--trust-model", "always", "--recipient-file", keyFile, "--compress-algo", "none", "--output", "-", "--encrypt"];
  const [ended, written] = await Promise.allSettled([gpg(home, args, plaintext, meter, encryptDeadlineMs), stored]);
  if (ended.status === "rejected") throw ended.reason;
  if (written.status === "rejected") throw written.reason;
  if (ended.value.code !== 0 || bytes === 0) throw new CutterError("ENCRYPTION_FAILED", { exit_code: ended.value.code, stderr: ended.value.stderr.slice(0, 400) });
  return { sha256: hash.digest("hex"), bytes, head: Buffer.concat(head).subarray(0, headBytes) };
}

/** The key ids the first packets name. gpg complains about the cut stream behind them: its exit code says nothing here. */
async function listRecipients(head: Buffer, home: string): Promise<readonly string[]> {
  const { stdout } = await gpg(home, ["--list-only", "--list-packets"], head, "keep", listDeadlineMs);
  return [...stdout.toString("utf8").matchAll(/^:pubkey enc packet: version \d+, algo \d+, keyid ([0-9A-F]{16})$/gm)].map((match) => match[1] ?? "");
}

function gpg(home: string, args: readonly string[], stdin: Readable | Buffer, stdout: Writable | "keep", deadlineMs: number) {
  return runProcess({
    file: "gpg",
    args: ["--homedir", home, "--no-options", "--batch", "--no-tty", "--no-autostart", ...args],
    env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", GNUPGHOME: home },
    stdin,
    stdout,
    deadlineMs,
    keepBytesMax: 256 * 1024,
  });
}

/** fsync of the file, rename, fsync of the directory: an fsync error is a stop, never a retry. */
async function publish(partial: string, destination: string): Promise<void> {
  for (const step of [() => sync(partial), () => rename(partial, destination), () => sync(dirname(destination))]) await step();
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync().finally(() => handle.close());
}
