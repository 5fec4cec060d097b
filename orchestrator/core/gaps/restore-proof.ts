// The proof that the owner can still decrypt a backup (decision 30): a signed document that names the archive's digest, which only the
// offline key gives. Pure but for the signature's arithmetic.
import { z } from "zod";
import { sharedFields } from "../approval/schema.ts";
import type { PinnedKeyFile } from "../approval/verify.ts";
import { parseBlock } from "../approval/parse.ts";
import { sha256Hex } from "../encoding/digest.ts";
import { CutterError, toCodeText } from "../errors.ts";
import { readSurveyedConfig } from "./state.ts";
import type { HostFacts, ArchivedDocument } from "../host/facts.ts";
import { hostLayout } from "../host/layout.ts";
import { readSurveyedKeys } from "./archived-rulings.ts";
import type { RunId } from "../run-id.ts";
import { readDetachedSignature, readSignerKey, verifyDetached } from "../signing/signature.ts";

/** Where root keeps them: one folder a proof, by the sha256 of its document. */
const restoreProofsFolder = `${hostLayout.ledger}/restore-proofs`;
export const restoreProofFiles = { document: "restore-proof.md", signature: "restore-proof.md.asc" } as const;
export const restoreProofArchive = { folder: restoreProofsFolder, names: Object.values(restoreProofFiles) } as const;
/** Root's own folder on tmpfs; `_` begins no run id. */
export const toRestoreStaging = (id: RunId): string => `${hostLayout.incoming}/_restore.${id}`;
export const restoreProofBlock = "cutter-restore-proof";
export const restoreProofDaysMax = 30;

const { sha256, time, runId } = sharedFields;
const clockSkewMs = 5 * 60_000;
const dayMs = 24 * 60 * 60_000;

const restoreProofSchema = z.strictObject({
  schema: z.literal("cutter.restore-proof/1"),
  run_id: runId,
  host: sha256,
  recipient: z.string().regex(/^[0-9A-F]{40}$/, "a fingerprint of 40 upper-case hex digits"),
  backup_sha256: sha256, // of the encrypted file
  archive_sha256: sha256, // of what it decrypts to
  performed_at: time,
});
type RestoreProof = z.infer<typeof restoreProofSchema>;

export interface VerifiedRestoreProof {
  readonly proof: RestoreProof;
  readonly documentSha256: string;
  readonly signer: string; // fingerprint of the sovereign's primary key
}

export interface RestoreProofEvidence {
  readonly document: Uint8Array;
  readonly signature: Uint8Array;
  readonly sovereign: PinnedKeyFile;
  readonly expected: { readonly host: string; readonly recipient: string };
  readonly now: Date;
}

/**
 * Strict parse, the sovereign's signature, then host and recipient. How old it is judges the survey; only the future is refused here.
 * @throws APPROVAL_*, KEY_*, RESTORE_PROOF_REFUSED
 */
export async function verifyRestoreProof({
  document,
  signature,
  sovereign,
  expected,
  now,
}: RestoreProofEvidence): Promise<VerifiedRestoreProof> {
  const bytes = Uint8Array.from(document);
  const proof = parseBlock(bytes, restoreProofBlock, restoreProofSchema);
  const signer = await readSignerKey(sovereign.bytes, sovereign.pin, now);
  const read = await readDetachedSignature(signature);
  if (!signer.allFingerprints.includes(read.issuerFingerprint))
    throw new CutterError("APPROVAL_SIGNER_NOT_PINNED", { expected: `sovereign:${signer.fingerprint}`, found: read.issuerFingerprint });
  await verifyDetached(bytes, read, signer, now);
  const refuse = (field: string, wanted: string, found: string): CutterError =>
    new CutterError("RESTORE_PROOF_REFUSED", { field, expected: wanted, found });
  if (proof.host !== expected.host) throw refuse("host", expected.host, proof.host);
  if (proof.recipient !== expected.recipient) throw refuse("recipient", expected.recipient, proof.recipient);
  const performedMs = Date.parse(proof.performed_at);
  if (performedMs > read.createdAt.getTime() + clockSkewMs)
    throw refuse("performed_at", `not after its signature of ${read.createdAt.toISOString()}`, proof.performed_at);
  if (performedMs > now.getTime() + clockSkewMs) throw refuse("performed_at", `not after ${now.toISOString()}`, proof.performed_at);
  return { proof, documentSha256: sha256Hex(bytes), signer: signer.fingerprint };
}

export interface ArchivedRestoreProofs {
  readonly latest: { readonly proof: RestoreProof; readonly ageDays: number } | null; // of those that verify; whole days
  readonly refused: readonly { readonly sha256: string; readonly code: string }[];
}

export const noRestoreProofs: ArchivedRestoreProofs = { latest: null, refused: [] };

/**
 * Never throws for what lies on the host: a proof that does not verify, by the keys and the recipient of today, is refused with its code.
 */
export async function verifyArchivedRestoreProofs(facts: HostFacts, now: Date): Promise<ArchivedRestoreProofs> {
  const proofs: RestoreProof[] = [];
  const refused: { sha256: string; code: string }[] = [];
  for (const archived of facts.restoreProofs) {
    try {
      proofs.push(await verifyArchivedRestoreProof(facts, archived, now));
    } catch (error) {
      if (!(error instanceof CutterError)) throw error;
      refused.push({ sha256: archived.sha256, code: toCodeText(error) });
    }
  }
  const [latest] = proofs.toSorted((left, right) => right.performed_at.localeCompare(left.performed_at));
  return {
    latest:
      latest === undefined
        ? null
        : { proof: latest, ageDays: Math.max(0, Math.floor((now.getTime() - Date.parse(latest.performed_at)) / dayMs)) },
    refused,
  };
}

async function verifyArchivedRestoreProof(
  facts: HostFacts,
  { sha256: documentSha256, files }: ArchivedDocument,
  now: Date,
): Promise<RestoreProof> {
  const config = readSurveyedConfig(facts);
  if (config === null) throw new CutterError("CONFIG_INVALID", { file: hostLayout.config });
  const { sovereign } = await readSurveyedKeys(facts);
  const of = (name: string): Uint8Array => Buffer.from(files.get(name) ?? "", "base64");
  const expected = { host: facts.machineIdentity, recipient: config.backup_gpg_fpr };
  const verified = await verifyRestoreProof({
    document: of(restoreProofFiles.document),
    signature: of(restoreProofFiles.signature),
    sovereign,
    expected,
    now,
  });
  if (verified.documentSha256 !== documentSha256)
    throw new CutterError("RESTORE_PROOF_REFUSED", { field: "sha256", expected: documentSha256, found: verified.documentSha256 });
  return verified.proof;
}
