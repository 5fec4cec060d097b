// One detached OpenPGP signature over exactly these bytes by exactly a pinned key. Everything OpenPGP allows besides is refused.
import { createMessage, enums, readKey, readSignature, verify, type Key, type Signature, type SignaturePacket, type Subkey } from "openpgp";
import { sha256Hex } from "../encoding/digest.ts";
import { CutterError } from "../errors.ts";
import { readPinnedKey, type KeyPin } from "./public-key.ts";
import { readOnePacket } from "./armor.ts";

/** A public key that was judged against its pin at a time; its owner is one person, however many subkeys it has. */
export interface SignerKey {
  readonly fingerprint: string; // primary, 40 upper-case hex digits
  readonly fileSha256: string;
  readonly allFingerprints: readonly string[]; // primary and subkeys
  readonly key: Key;
}

/** A well-formed signature, not yet checked against anything. */
export interface DetachedSignature {
  readonly sha256: string; // of the signature file's bytes
  readonly issuerFingerprint: string; // of the key or subkey it says made it, 40 upper-case hex digits
  readonly createdAt: Date;
  readonly packet: SignaturePacket;
  readonly parsed: Signature; // holds that packet alone
}

/**
 * A full fingerprint or nothing: a key id can be made to order. The key itself is judged by `readPinnedKey`.
 * @throws APPROVAL_PIN_INVALID, KEY_*
 */
export async function readSignerKey(bytes: Uint8Array, pin: KeyPin, now: Date): Promise<SignerKey> {
  if (!/^[0-9A-F]{40}$/.test(pin.fingerprint))
    throw new CutterError("APPROVAL_PIN_INVALID", { expected: "40 upper-case hex digits", found: pin.fingerprint.slice(0, 80) });
  const { fingerprint } = await readPinnedKey(bytes, pin, "sign", now);
  const key = await readKey({ armoredKey: Buffer.from(bytes).toString("utf8") });
  return { fingerprint, fileSha256: sha256Hex(bytes), allFingerprints: [key, ...key.subkeys].map(toFingerprint), key };
}

/**
 * The primary fingerprint a key file says of itself; judges nothing. Only for a file whose digest is pinned.
 * @throws KEY_NOT_ONE_PUBLIC_KEY
 */
export async function readFingerprint(bytes: Uint8Array): Promise<string> {
  const key = await readKey({ armoredKey: Buffer.from(bytes).toString("utf8") }).catch((cause: unknown) => {
    throw new CutterError("KEY_NOT_ONE_PUBLIC_KEY", { bytes: bytes.length }, { cause });
  });
  return toFingerprint(key);
}

const acceptedHashes: readonly (enums.hash | null)[] = [
  enums.hash.sha256,
  enums.hash.sha384,
  enums.hash.sha512,
  enums.hash.sha3_256,
  enums.hash.sha3_512,
];

/**
 * Exactly one version 4 signature packet over a binary document, armored as stock gpg does it, with its issuer's fingerprint.
 * @throws APPROVAL_SIGNATURE_MALFORMED
 */
export async function readDetachedSignature(bytes: Uint8Array): Promise<DetachedSignature> {
  const binarySignature = readOnePacket(bytes);
  const config = { ignoreUnsupportedPackets: false, ignoreMalformedPackets: false };
  const parsed = await readSignature({ binarySignature, config }).catch((cause: unknown) => {
    throw new CutterError("APPROVAL_SIGNATURE_MALFORMED", { problem: "packet" }, { cause });
  });
  const [packet, ...others] = parsed.packets;
  if (packet === undefined || others.length > 0)
    throw new CutterError("APPROVAL_SIGNATURE_MALFORMED", { reason: "count", expected: 1, found: parsed.packets.length });
  if (packet.signatureType !== enums.signature.binary)
    throw new CutterError("APPROVAL_SIGNATURE_MALFORMED", { reason: "type", expected: "0x00", found: toHexType(packet.signatureType) });
  if (packet.version !== 4)
    throw new CutterError("APPROVAL_SIGNATURE_MALFORMED", { problem: "version", expected: 4, found: packet.version });
  if (!acceptedHashes.includes(packet.hashAlgorithm))
    throw new CutterError("APPROVAL_SIGNATURE_MALFORMED", {
      reason: "weak_digest",
      expected: "SHA256 or stronger",
      found: toHashName(packet.hashAlgorithm),
    });
  if (packet.created === null || packet.issuerFingerprint === null)
    throw new CutterError("APPROVAL_SIGNATURE_MALFORMED", {
      problem: packet.created === null ? "no creation time" : "no issuer fingerprint",
    });
  return {
    sha256: sha256Hex(bytes),
    issuerFingerprint: Buffer.from(packet.issuerFingerprint).toString("hex").toUpperCase(),
    createdAt: packet.created,
    packet,
    parsed,
  };
}

/**
 * The signature fits `document`, byte for byte, and the key that made it is this signer's and valid at `now`.
 * @throws APPROVAL_SIGNATURE_MALFORMED, APPROVAL_SIGNATURE_BAD, APPROVAL_SIGNING_KEY_INVALID
 */
export async function verifyDetached(document: Uint8Array, signature: DetachedSignature, signer: SignerKey, now: Date): Promise<void> {
  const { parsed, packet, createdAt, issuerFingerprint } = signature;
  const bad = (problem: string, cause?: unknown): CutterError =>
    new CutterError("APPROVAL_SIGNATURE_BAD", { problem, key: issuerFingerprint }, { cause });
  const expires = packet.getExpirationTime();
  if (expires instanceof Date && expires <= now)
    throw new CutterError("APPROVAL_SIGNATURE_MALFORMED", { reason: "expired", expired_at: expires.toISOString(), now: now.toISOString() });
  const part = [signer.key, ...signer.key.subkeys].find((candidate) => toFingerprint(candidate) === issuerFingerprint);
  if (part === undefined || !packet.issuerKeyID.equals(part.getKeyID())) throw bad("its two names for its key differ");
  // The library has its own idea of revocations (it ignores "retired") and no code for them.
  if (part.revocationSignatures.length > 0)
    throw new CutterError("APPROVAL_SIGNING_KEY_INVALID", { key: issuerFingerprint, problem: "revoked", now: now.toISOString() });
  // A signature from the near future is judged by the caller's window; here only whether it fits, and whether the key was good when it was
  // made.
  const date = createdAt > now ? createdAt : now;
  const { signatures } = await verify({
    message: await createMessage({ binary: document }),
    signature: parsed,
    verificationKeys: signer.key,
    format: "binary",
    date,
  }).catch((cause: unknown) => {
    throw bad("not verifiable", cause);
  });
  const [result, ...others] = signatures;
  // No result at all is what openpgp.js gives for "nothing to check": it must never pass.
  if (result === undefined || others.length > 0) throw bad(`${String(signatures.length)} results`);
  const verified: unknown = await result.verified.catch((cause: unknown) => {
    throw bad("it does not fit, or its key was not valid when it signed", cause);
  });
  if (verified !== true) throw bad("not verified");
  await requireValidNow(part, signer.key, issuerFingerprint, now);
}

/** The library asks whether the key was good when it signed; a backdated signature of a key that was lost since would pass. */
async function requireValidNow(part: Key | Subkey, key: Key, fingerprint: string, now: Date): Promise<void> {
  const invalid = (problem: string, cause?: unknown): CutterError =>
    new CutterError("APPROVAL_SIGNING_KEY_INVALID", { key: fingerprint, problem, now: now.toISOString() }, { cause });
  const expires = await part.getExpirationTime();
  if (expires instanceof Date && expires <= now) throw invalid(`expired at ${expires.toISOString()}`);
  await key.verifyPrimaryKey(now).catch((cause: unknown) => {
    throw invalid("primary key not valid", cause);
  });
  await key.getSigningKey(part.getKeyID(), now).catch((cause: unknown) => {
    throw invalid("not a valid signing key", cause);
  });
}

function toFingerprint(part: Key | Subkey): string {
  return part.getFingerprint().toUpperCase();
}

function toHexType(type: number | null): string {
  return type === null ? "none" : `0x${type.toString(16).padStart(2, "0").toUpperCase()}`;
}

function toHashName(hash: enums.hash | null): string {
  return hash === null ? "none" : enums.read(enums.hash, hash);
}
