// Approvals of a live run: read from the knowledge base, judged by the pinned keys, kept in the run's folder, said in the journal; and
// recalled from there after a crash.
import { toSignatureId } from "../../core/approval/document-ids.ts";
import { toApprovalScope } from "../../core/approval/scope.ts";
import { toExpectedGate, type Expected } from "../../core/approval/binding.ts";
import { verifyApproval, type VerifiedApproval } from "../../core/approval/verify.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { CutterError } from "../../core/errors.ts";
import type { VerifiedEntry } from "../../core/journal/live.ts";
import type { KnowledgeBase } from "../../ports/knowledge-base.ts";
import type { LiveToken, SignedDocument } from "../../ports/live-token.ts";
import { requireLiveContext, type Attempt } from "../kernel/attempt.ts";
import { phaseOfGate } from "../../core/phase-names.ts";

export type SovereignGate = "SG_1" | "SG_2" | "SG_3";

/** The document and its signature as they stand in the knowledge base. @throws APPROVAL_MISSING, APPROVAL_SIGNATURES_WRONG, KB_* */
async function readKbApproval(
  knowledgeBase: Pick<KnowledgeBase, "read">,
  gate: "SG_1" | "SG_2",
  kbId: string | null,
): Promise<SignedDocument> {
  const document = kbId === null ? null : await knowledgeBase.read(kbId);
  if (kbId === null || document === null) throw new CutterError("APPROVAL_MISSING", { gate, phase: phaseOfGate[gate], kb_id: kbId });
  const signatureId = toSignatureId(kbId, gate, "sovereign");
  const signature = await knowledgeBase.read(signatureId);
  if (signature === null) throw new CutterError("APPROVAL_SIGNATURES_WRONG", { reason: "missing", gate, kb_id: signatureId });
  return { document: Buffer.from(document.body, "utf8"), signatures: [Buffer.from(signature.body, "utf8")] };
}

/** Reads and judges SG_1 or SG_2 afresh and makes it the decision this run relies on. @throws APPROVAL_*, KEY_*, KB_* */
export async function obtainApproval(attempt: Attempt, gate: "SG_1" | "SG_2"): Promise<VerifiedApproval> {
  const kbId = attempt.run.facts.approvals[gate] ?? null;
  const signed = await readKbApproval(attempt.ports.knowledgeBase, gate, kbId);
  const verified = await verifyRunApproval(attempt, requireLiveContext(attempt).token, signed, {
    ...toExpectedGate(gate),
  });
  await recordApproval(attempt, gate, kbId ?? "", signed, verified);
  return verified;
}

/** Judges a document for this run: everything it must say is rebuilt from the run's own inputs. @throws APPROVAL_*, KEY_* */
export async function verifyRunApproval(
  { run, ports }: Attempt,
  token: LiveToken,
  signed: SignedDocument,
  expected: Pick<Expected, "gate" | "decision" | "phase" | "ruling">,
): Promise<VerifiedApproval> {
  const { runId, documentId, hostIdentity, releaseSha256 } = run.facts;
  if (hostIdentity === null || releaseSha256 === null)
    throw new CutterError("RELEASE_UNKNOWN", { host_identity: hostIdentity, release_sha256: releaseSha256 });
  const scope = toApprovalScope({ runId, documentId, payloadSha: token.payloadSha }, { host: hostIdentity, releaseSha256 });
  return await verifyApproval({ ...signed, keys: token.keys, expected: { ...scope, ...expected }, now: ports.clock.now() });
}

/** Kept first, then said: what the journal names by its digest lies in the folder. @throws APPROVAL_UUID_REUSED */
export async function recordApproval(
  attempt: Attempt,
  gate: VerifiedEntry["gate"],
  kbId: string,
  signed: SignedDocument,
  verified: VerifiedApproval,
): Promise<void> {
  const { folder, journal } = attempt;
  const { decided } = journal.status();
  const { approval, decision, documentSha256, signers } = verified;
  const duplicate = (Object.keys(decided) as VerifiedEntry["gate"][]).find(
    (other) => other !== gate && decided[other]?.review_decision_id === decision.review_decision_id,
  );
  if (duplicate !== undefined)
    throw new CutterError("APPROVAL_UUID_REUSED", {
      reason: "collapsed",
      at: gate,
      with: duplicate,
      review_decision_id: decision.review_decision_id,
    });
  const name = toName(gate, documentSha256);
  await folder.write(`${name}.md`, Buffer.from(signed.document).toString("utf8"));
  for (const signer of signers) {
    const signature = signed.signatures.find((bytes) => sha256Hex(bytes) === signer.signatureSha256);
    if (signature !== undefined) await folder.write(`${name}.md.${signer.role}.asc`, Buffer.from(signature).toString("utf8"));
  }
  await journal.append({
    kind: "approval_verified",
    gate,
    kb_id: kbId,
    document_sha256: documentSha256,
    review_decision_id: decision.review_decision_id,
    payload_sha: decision.payload_sha,
    issued_at: approval.issued_at,
    signatures: signers.map(({ role, fingerprint, signatureSha256 }) => ({ role, fingerprint, signature_sha256: signatureSha256 })),
    human_signers: verified.humanSigners,
  });
  requireLiveContext(attempt).approvals.set(gate, verified);
}

/**
 * The decision the journal relies on, judged again now: from memory within one start, else from the folder, byte for byte.
 * @throws RUN_FILE_DAMAGED, APPROVAL_*, KEY_*
 */
export async function recallApproval(attempt: Attempt, gate: SovereignGate): Promise<VerifiedApproval> {
  const { folder, journal } = attempt;
  const { decided, escalation } = journal.status();
  const entry = decided[gate];
  if (entry === undefined) throw new Error(`no ${gate} was verified`);
  const known = requireLiveContext(attempt).approvals.get(gate);
  if (known?.documentSha256 === entry.document_sha256) return known;
  const name = toName(gate, entry.document_sha256);
  const read = async (file: string, expectedSha256: string): Promise<Uint8Array> => {
    const text = await folder.read(file);
    const foundSha256 = text === null ? null : sha256Hex(text);
    if (text === null || foundSha256 !== expectedSha256)
      throw new CutterError("RUN_FILE_DAMAGED", {
        file: `${folder.path}/${file}`,
        expected_sha256: expectedSha256,
        found_sha256: foundSha256,
      });
    return Buffer.from(text, "utf8");
  };
  const signatures: Uint8Array[] = [];
  for (const { role, signature_sha256 } of entry.signatures) signatures.push(await read(`${name}.md.${role}.asc`, signature_sha256));
  const decision =
    gate === "SG_3" ? { gate, decision: "void", ...(escalation === null ? {} : { phase: escalation.phase }) } : toExpectedGate(gate);
  const verified = await verifyRunApproval(
    attempt,
    requireLiveContext(attempt).token,
    { document: await read(`${name}.md`, entry.document_sha256), signatures },
    decision,
  );
  requireLiveContext(attempt).approvals.set(gate, verified);
  return verified;
}

/** By digest, so that a newer approval never takes the place of one the journal relies on. */
function toName(gate: VerifiedEntry["gate"], documentSha256: string): string {
  return `approvals/${gate.toLowerCase().replace("_", "-")}-${documentSha256.slice(0, 12)}`;
}
