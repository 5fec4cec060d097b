// The test keys, by stock gpg: made without a passphrase, signing detached, leaving no agent behind.
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readKey, readSignature, createMessage, verify } from "openpgp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeKey, type SandboxKey, signFile } from "../../../../provision/sandbox/host/keys.ts";

let directory: string;
let sovereign: SandboxKey;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ck-keys-test-"));
  sovereign = await makeKey("sovereign", directory);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

it("a key's file is one public key with the fingerprint that is said, its private half readable by the owner alone", async () => {
  const key = await readKey({ armoredKey: readFileSync(sovereign.file, "utf8") });
  expect(key.isPrivate()).toBe(false);
  expect(key.getFingerprint().toUpperCase()).toBe(sovereign.fingerprint);
  expect(statSync(join(directory, "sovereign.secret.asc")).mode & 0o777).toBe(0o600);
});

it("a signature is detached, binary, armored, and another library accepts it for exactly these bytes", async () => {
  const file = join(directory, "approval.md");
  writeFileSync(file, "line one\r\nline two");
  const signatureFile = await signFile(file, "sovereign", directory);
  expect(signatureFile).toBe(`${file}.sovereign.asc`);
  const signature = await readSignature({ armoredSignature: readFileSync(signatureFile, "utf8") });
  expect(signature.packets.map((packet) => packet.signatureType)).toEqual([0]);
  const verificationKeys = await readKey({ armoredKey: readFileSync(sovereign.file, "utf8") });
  const check = async (bytes: Uint8Array) =>
    (await verify({ message: await createMessage({ binary: bytes }), signature, verificationKeys })).signatures[0]?.verified;
  await expect(check(readFileSync(file))).resolves.toBe(true);
  await expect(check(Buffer.from("line one\nline two"))).rejects.toThrow(/digest/);
});

it("nothing of a signing is left: no gpg home, no agent", async () => {
  const homes = mkdtempSync("/tmp/ck-h-");
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = homes;
  try {
    const file = join(directory, "other.md");
    writeFileSync(file, "text");
    await signFile(file, "sovereign", directory);
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  expect(readdirSync(homes)).toEqual([]);
  expect(readAllArguments().filter((words) => words.some((word) => word.startsWith(homes)))).toEqual([]);
  rmSync(homes, { recursive: true });
});

function readAllArguments(): readonly (readonly string[])[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      } catch {
        return []; // ended meanwhile
      }
    });
}
