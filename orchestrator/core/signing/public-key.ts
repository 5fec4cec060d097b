// Judges one armored OpenPGP public key against its pin: what `pulumi up` refuses to install and a run refuses to use.
import { readKeys, type Key, type Subkey } from "openpgp";
import { sha256Hex } from "../encoding/digest.ts";
import { CutterError } from "../errors.ts";

const fileBytesMax = 64 * 1024;
const rsaBitsMin = 3072;
const pgpCurves: readonly string[] = ["ed25519Legacy", "curve25519Legacy", "nistP256", "nistP384", "nistP521"];

export interface KeyPin {
  readonly fingerprint: string; // 40 upper-case hex digits, the primary key's
  readonly fileSha256: string | null; // of the key file's bytes; null where only the fingerprint is pinned
}

export interface PinnedKey {
  readonly fingerprint: string;
  readonly encryptionKeyIds: readonly string[]; // 16 upper-case hex digits each; keys valid for encryption at `now`
  readonly signingKeyIds: readonly string[]; // likewise for signatures
}

/**
 * Pure. Accepts exactly one armored, version-4 public key whose primary fingerprint is the pin and which is usable at `now` for `purpose`.
 * @throws KEY_FILE_CHANGED, KEY_NOT_ONE_PUBLIC_KEY, KEY_IS_PRIVATE, KEY_FINGERPRINT_MISMATCH, KEY_UNUSABLE
 */
export async function readPinnedKey(bytes: Uint8Array, pin: KeyPin, purpose: "encrypt" | "sign", now: Date): Promise<PinnedKey> {
  const fileSha256 = sha256Hex(bytes);
  if (pin.fileSha256 !== null && fileSha256 !== pin.fileSha256) {
    throw new CutterError("KEY_FILE_CHANGED", { fingerprint: pin.fingerprint, expected_sha256: pin.fileSha256, found_sha256: fileSha256 });
  }
  const key = await readOneKey(bytes);
  const fingerprint = key.getFingerprint().toUpperCase();
  if (fingerprint !== pin.fingerprint) throw new CutterError("KEY_FINGERPRINT_MISMATCH", { expected: pin.fingerprint, found: fingerprint });
  if (key.keyPacket.version !== 4)
    throw new CutterError("KEY_UNUSABLE", { reason: "too_weak", fingerprint, why: `version ${key.keyPacket.version}, only 4 is accepted` });
  await requireUsable(key, fingerprint, now);
  for (const part of [key, ...key.subkeys]) requireStrong(part, fingerprint);
  const encryptionKeyIds = await usableIds(key, now, "encrypt");
  const signingKeyIds = await usableIds(key, now, "sign");
  if ((purpose === "encrypt" ? encryptionKeyIds : signingKeyIds).length === 0)
    throw new CutterError("KEY_UNUSABLE", { fingerprint, purpose });
  return { fingerprint, encryptionKeyIds, signingKeyIds };
}

async function readOneKey(bytes: Uint8Array): Promise<Key> {
  const text = Buffer.from(bytes).toString("utf8");
  if (text.includes("PRIVATE KEY BLOCK")) throw new CutterError("KEY_IS_PRIVATE", {});
  const armored = /^\s*-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n[^]*\n-----END PGP PUBLIC KEY BLOCK-----\s*$/;
  const blocks = text.match(/-----BEGIN PGP/g)?.length ?? 0;
  if (bytes.length > fileBytesMax || blocks !== 1 || !armored.test(text))
    throw new CutterError("KEY_NOT_ONE_PUBLIC_KEY", { blocks, bytes: bytes.length });
  const keys = await readKeys({ armoredKeys: text }).catch((error: unknown) => {
    throw new CutterError("KEY_NOT_ONE_PUBLIC_KEY", { blocks, bytes: bytes.length }, { cause: error });
  });
  const [key, ...others] = keys;
  if (key === undefined || others.length > 0) throw new CutterError("KEY_NOT_ONE_PUBLIC_KEY", { keys: keys.length });
  if (key.isPrivate()) throw new CutterError("KEY_IS_PRIVATE", {});
  return key;
}

/** openpgp.js ignores a "retired" revocation; any revocation at all refuses here. */
async function requireUsable(key: Key, fingerprint: string, now: Date): Promise<void> {
  if (key.revocationSignatures.length > 0 || (await key.isRevoked()))
    throw new CutterError("KEY_UNUSABLE", { reason: "revoked", fingerprint });
  const expires = await key.getExpirationTime();
  if (expires instanceof Date && expires <= now)
    throw new CutterError("KEY_UNUSABLE", { reason: "expired", fingerprint, expired_at: expires.toISOString() });
  await key.verifyPrimaryKey(now).catch((error: unknown) => {
    throw new CutterError("KEY_UNUSABLE", { fingerprint, purpose: "primary" }, { cause: error });
  });
}

function requireStrong(part: Key | Subkey, fingerprint: string): void {
  const { algorithm, bits, curve } = part.getAlgorithmInfo();
  const name = algorithm.toString();
  const strong = name.startsWith("rsa")
    ? (bits ?? 0) >= rsaBitsMin
    : ["ed25519", "x25519", "ed448", "x448"].includes(name) || (curve !== undefined && pgpCurves.includes(curve));
  if (!strong)
    throw new CutterError("KEY_UNUSABLE", {
      reason: "too_weak",
      fingerprint,
      key_id: toKeyId(part),
      algorithm: curve ?? name,
      bits: bits ?? 0,
    });
}

async function usableIds(key: Key, now: Date, purpose: "encrypt" | "sign"): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const part of [key, ...key.subkeys]) {
    if (part !== key && "revocationSignatures" in part && part.revocationSignatures.length > 0) continue;
    const usable = purpose === "encrypt" ? key.getEncryptionKey(part.getKeyID(), now) : key.getSigningKey(part.getKeyID(), now);
    if (
      await usable.then(
        () => true,
        () => false,
      )
    )
      ids.push(toKeyId(part));
  }
  return ids;
}

function toKeyId(part: Key | Subkey): string {
  return part.getKeyID().toHex().toUpperCase();
}
