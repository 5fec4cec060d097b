// Every way a key file can be wrong is refused with its own code, against keys made by stock gpg.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { readPinnedKey } from "../../../../orchestrator/core/signing/public-key.ts";
import { createGpgHome, type GpgHome } from "../../../support/gpg.ts";

let home: GpgHome;
beforeAll(() => {
  home = createGpgHome();
});
afterAll(() => home.remove());

const judge = (bytes: Buffer, fingerprint: string, purpose: "encrypt" | "sign" = "encrypt") =>
  readPinnedKey(bytes, { fingerprint, fileSha256: sha256Hex(bytes) }, purpose, new Date());
const exported = (fingerprint: string) => home.run(["--armor", "--export", fingerprint]);

describe("a pinned public key", () => {
  it("is accepted for ed25519 with cv25519 and for RSA 4096, and names its usable subkeys", async () => {
    for (const algorithm of ["future-default", "rsa4096"]) {
      const fingerprint = home.createKey(`good ${algorithm}`, { algorithm });
      const key = await judge(exported(fingerprint), fingerprint, algorithm === "rsa4096" ? "sign" : "encrypt");
      expect(key.fingerprint).toBe(fingerprint);
      expect(algorithm === "rsa4096" ? key.signingKeyIds : key.encryptionKeyIds).not.toEqual([]);
    }
  });

  it("is refused when the file is not byte for byte the pinned one", async () => {
    const fingerprint = home.createKey("changed file");
    const bytes = exported(fingerprint);
    const changed = Buffer.concat([bytes, Buffer.from("\n")]);
    await expect(readPinnedKey(changed, { fingerprint, fileSha256: sha256Hex(bytes) }, "encrypt", new Date())).rejects.toMatchObject({
      code: "KEY_FILE_CHANGED",
    });
  });

  it("is refused when the fingerprint is another key's", async () => {
    const bytes = exported(home.createKey("one"));
    const other = home.createKey("two");
    await expect(judge(bytes, other)).rejects.toMatchObject({ code: "KEY_FINGERPRINT_MISMATCH" });
  });

  it("is refused when it is private, doubled, joined with another or no key at all", async () => {
    const first = home.createKey("first");
    const second = home.createKey("second");
    await expect(judge(home.run(["--armor", "--export-secret-keys", first]), first)).rejects.toMatchObject({ code: "KEY_IS_PRIVATE" });
    await expect(judge(home.run(["--armor", "--export", first, second]), first)).rejects.toMatchObject({ code: "KEY_NOT_ONE_PUBLIC_KEY" });
    await expect(judge(Buffer.concat([exported(first), exported(second)]), first)).rejects.toMatchObject({
      code: "KEY_NOT_ONE_PUBLIC_KEY",
    });
    await expect(judge(Buffer.from("no key"), first)).rejects.toMatchObject({ code: "KEY_NOT_ONE_PUBLIC_KEY" });
    await expect(judge(Buffer.concat([Buffer.from("junk\n"), exported(first)]), first)).rejects.toMatchObject({
      code: "KEY_NOT_ONE_PUBLIC_KEY",
    });
  });

  it("is refused when expired, revoked, or too weak", async () => {
    const expired = home.createKey("expired", { expires: "1d", at: "20200101T000000" });
    await expect(judge(exported(expired), expired)).rejects.toMatchObject({ code: "KEY_UNUSABLE", facts: { reason: "expired" } });
    const weak = home.createKey("weak", { algorithm: "rsa2048" });
    await expect(judge(exported(weak), weak, "sign")).rejects.toMatchObject({
      code: "KEY_UNUSABLE",
      facts: { reason: "too_weak", bits: 2048 },
    });
    const revoked = home.createKey("revoked");
    const certificate = readFileSync(`${home.directory}/openpgp-revocs.d/${revoked}.rev`, "utf8").replace(":-----BEGIN", "-----BEGIN");
    home.run(["--import"], certificate);
    await expect(judge(exported(revoked), revoked)).rejects.toMatchObject({ code: "KEY_UNUSABLE", facts: { reason: "revoked" } });
  });

  it("is refused for encryption when it has no subkey that encrypts", async () => {
    const signOnly = home.createKey("sign only", { algorithm: "ed25519" });
    await expect(judge(exported(signOnly), signOnly)).rejects.toMatchObject({ code: "KEY_UNUSABLE" });
    expect((await judge(exported(signOnly), signOnly, "sign")).signingKeyIds).toHaveLength(1);
  });
});
