// The encryptor against stock gpg: what it leaves on disk, who can read it, and what it refuses.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { gpgEncryptor } from "../../../../orchestrator/adapters/gpg/gpg-encryptor.ts";
import { createGpgHome, type GpgHome } from "../../../support/gpg.ts";

const plaintext = Buffer.alloc(300_000, "information unit ");
const clock = { now: () => new Date(), monotonicMs: () => performance.now(), wait: () => Promise.resolve() };
let home: GpgHome;
let directory: string;
let fingerprint: string;
let keyFile: string;

beforeAll(() => {
  home = createGpgHome();
  fingerprint = home.createKey("backup recipient");
  keyFile = home.exportKey(fingerprint, "backup.asc");
});
afterAll(() => home.remove());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cutter-gpg-"));
  return () => rmSync(directory, { recursive: true, force: true });
});

const encrypt = (stream: Readable, destination: string | null, recipientFingerprint = fingerprint) =>
  gpgEncryptor({ homeParent: directory, clock }).encrypt(stream, { recipientKeyFile: keyFile, recipientFingerprint, destination });

describe("the gpg encryptor", () => {
  it("writes one 0600 file that only the recipient's key opens, and tells its sha256", async () => {
    const destination = join(directory, "backup.gpg");
    const result = await encrypt(Readable.from([plaintext]), destination);
    const ciphertext = readFileSync(destination);
    expect(result.ciphertextSha256).toBe(createHash("sha256").update(ciphertext).digest("hex"));
    expect(result.ciphertextBytes).toBe(ciphertext.length);
    expect(statSync(destination).mode & 0o777).toBe(0o600);
    expect(home.run(["--decrypt"], ciphertext)).toEqual(plaintext);
    expect(readdirSync(directory)).toEqual(["backup.gpg"]);
  });

  it("leaves no file at all when the stream ends nowhere", async () => {
    const result = await encrypt(Readable.from([plaintext]), null);
    expect(result.ciphertextBytes).toBeGreaterThan(plaintext.length);
    expect(result.recipientKeyIds).toHaveLength(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("refuses another key than the pinned one before it encrypts anything", async () => {
    await expect(encrypt(Readable.from([plaintext]), join(directory, "backup.gpg"), "A".repeat(40))).rejects.toMatchObject({
      code: "KEY_FINGERPRINT_MISMATCH",
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("leaves nothing behind when the dump breaks off", async () => {
    const broken = Readable.from(
      (async function* () {
        yield plaintext;
        throw new Error("the dump broke off");
      })(),
    );
    await expect(encrypt(broken, join(directory, "backup.gpg"))).rejects.toThrow("the dump broke off");
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ["the key file is missing", { recipientKeyFile: "/nonexistent/backup.asc" }, "KEY_FILE_UNREADABLE"],
    ["the key is another one", { recipientFingerprint: "A".repeat(40) }, "KEY_FINGERPRINT_MISMATCH"],
  ])("gives the stream up with a code when %s", async (_what, change, code) => {
    const stream = Readable.from([plaintext]);
    const request = { recipientKeyFile: keyFile, recipientFingerprint: fingerprint, destination: null, ...change };
    await expect(gpgEncryptor({ homeParent: directory, clock }).encrypt(stream, request)).rejects.toMatchObject({ code });
    expect(stream.destroyed).toBe(true);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("gives the stream up when it cannot make its own folder", async () => {
    const stream = Readable.from([plaintext]);
    await expect(
      gpgEncryptor({ homeParent: "/nonexistent", clock }).encrypt(stream, {
        recipientKeyFile: keyFile,
        recipientFingerprint: fingerprint,
        destination: null,
      }),
    ).rejects.toThrow("ENOENT");
    expect(stream.destroyed).toBe(true);
  });
});
