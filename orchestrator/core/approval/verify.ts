// The one judge of approvals: document, signatures, keys, time and purpose, in an order that no later step can undo. Pure; the signature
// decides.
import type { Approval, ApprovedDecision, ApprovalGate } from "./schema.ts";
import { parseApproval } from "./parse.ts";
import { requireBinding, type Expected } from "./binding.ts";
import { requireFresh } from "./freshness.ts";
import { sha256Hex } from "../encoding/digest.ts";
import { CutterError } from "../errors.ts";
import { readDetachedSignature, readSignerKey, verifyDetached, type DetachedSignature, type SignerKey } from "../signing/signature.ts";
import type { KeyPin } from "../signing/public-key.ts";

export type SignerRole = "sovereign" | "architect";

/** A key file's bytes and what is pinned of them. */
export interface PinnedKeyFile {
  readonly bytes: Uint8Array;
  readonly pin: KeyPin;
}

export interface Keys {
  readonly sovereign: PinnedKeyFile;
  readonly architect: PinnedKeyFile | null; // null: none is pinned, and one human signs
}

export interface Signer {
  readonly role: SignerRole;
  readonly fingerprint: string; // of the primary key: the person
  readonly signingKeyFingerprint: string;
  readonly signedAt: Date;
  readonly signatureSha256: string;
}

declare const verifiedBrand: unique symbol;

/** Only `verifyApproval` makes one: what asks for it cannot be given a document that nobody judged. */
export interface VerifiedApproval {
  readonly [verifiedBrand]: true;
  readonly approval: Approval;
  readonly decision: ApprovedDecision; // the one that was asked for
  readonly documentSha256: string; // of the very bytes that were parsed and verified
  readonly signers: readonly Signer[];
  readonly humanSigners: 1 | 2; // 1: every report says "one human signer"
  readonly compared: readonly string[]; // the fields that were compared with the caller's own values
  readonly verifiedAt: Date;
}

export interface ApprovalEvidence {
  readonly document: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  /** What the signatures are called where they come from, in their order: an error names the one that is unfit. */
  readonly signatureFiles?: readonly string[];
  readonly keys: Keys;
  readonly expected: Expected;
  readonly now: Date;
}

/**
 * Order (each step only after the one before): strict parse → pins and keys → one signature packet per file, of a binary document, by a
 * pinned issuer → the digest → key valid now → dates → gate, run, document, phase, host, release → payload. Reserving the UUID in the
 * database is the caller's.
 * @throws APPROVAL_* and KEY_*
 */
export async function verifyApproval(evidence: ApprovalEvidence): Promise<VerifiedApproval> {
  const { document, signatures, keys, expected, now } = evidence;
  // A copy: the bytes that are parsed are the bytes that are verified, whatever the caller's buffer becomes while we wait.
  const bytes = Uint8Array.from(document);
  const approval = parseApproval(bytes);
  const people = await readPeople(keys, now);
  const required = toRequiredRoles(approval.gate, people);
  if (signatures.length === 0)
    throw new CutterError("APPROVAL_SIGNATURES_WRONG", { reason: "missing", gate: approval.gate, expected: required, found: "none" });
  const read: { readonly role: SignerRole; readonly signature: DetachedSignature }[] = [];
  for (const [index, bytesOfOne] of signatures.entries()) {
    const signature = await readDetachedSignature(bytesOfOne).catch((error: unknown) => {
      const file = evidence.signatureFiles?.[index];
      throw error instanceof CutterError && file !== undefined
        ? new CutterError(error.code, { file, ...error.facts }, { cause: error })
        : error;
    });
    read.push({ role: toRole(signature, people), signature });
  }
  requireRoles(
    approval.gate,
    required,
    read.map(({ role }) => role),
  );
  const signers: Signer[] = [];
  for (const { role, signature } of read) {
    const person = people.get(role);
    if (person === undefined)
      throw new CutterError("APPROVAL_SIGNER_NOT_PINNED", { expected: toPinned(people), found: signature.issuerFingerprint });
    await verifyDetached(bytes, signature, person, now);
    signers.push({
      role,
      fingerprint: person.fingerprint,
      signingKeyFingerprint: signature.issuerFingerprint,
      signedAt: signature.createdAt,
      signatureSha256: signature.sha256,
    });
  }
  requireFresh(
    approval,
    signers.map(({ signedAt }) => signedAt),
    now,
  );
  const { decision, compared } = requireBinding(approval, expected);
  const verified = {
    approval,
    decision,
    documentSha256: sha256Hex(bytes),
    signers,
    humanSigners: signers.length === 2 ? 2 : 1,
    compared,
    verifiedAt: now,
  } as const;
  return verified as typeof verified & { readonly [verifiedBrand]: true };
}

type People = ReadonlyMap<SignerRole, SignerKey>;

/** Two roles are two people only if no key is common to both, subkeys included. */
async function readPeople({ sovereign, architect }: Keys, now: Date): Promise<People> {
  const people = new Map<SignerRole, SignerKey>([["sovereign", await readSignerKey(sovereign.bytes, sovereign.pin, now)]]);
  if (architect === null) return people;
  const second = await readSignerKey(architect.bytes, architect.pin, now);
  const common = people.get("sovereign")?.allFingerprints.find((fingerprint) => second.allFingerprints.includes(fingerprint));
  if (common !== undefined)
    throw new CutterError("APPROVAL_SIGNERS_NOT_DISTINCT", { expected: "two primary keys without a common subkey", found: common });
  return people.set("architect", second);
}

/** A ruling is the architect's too, where one is pinned; everything else is the sovereign's alone. */
function toRequiredRoles(gate: ApprovalGate, people: People): readonly SignerRole[] {
  return gate === "RULING" && people.has("architect") ? ["sovereign", "architect"] : ["sovereign"];
}

function toRole(signature: DetachedSignature, people: People): SignerRole {
  for (const [role, person] of people) if (person.allFingerprints.includes(signature.issuerFingerprint)) return role;
  throw new CutterError("APPROVAL_SIGNER_NOT_PINNED", { expected: toPinned(people), found: signature.issuerFingerprint });
}

function toPinned(people: People): readonly string[] {
  return [...people].map(([role, person]) => `${role}:${person.fingerprint}`);
}

function requireRoles(gate: ApprovalGate, required: readonly SignerRole[], found: readonly SignerRole[]): void {
  const missing = required.filter((role) => !found.includes(role));
  if (missing.length > 0) throw new CutterError("APPROVAL_SIGNATURES_WRONG", { reason: "missing", gate, expected: required, found });
  if (found.length !== required.length)
    throw new CutterError("APPROVAL_SIGNATURES_WRONG", { reason: "unwanted", gate, expected: required, found });
}
