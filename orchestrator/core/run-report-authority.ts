// By whose authority a run was made: each approval it relied on, with its signers, as the journal recorded them. Pure.
import { list, paragraph, table, type Block } from "./page.ts";
import type { RunAccount } from "./run-account.ts";

const meanings = { RULING: "enabling execution", SG_1: "the cut", SG_2: "bringing the units into force", SG_3: "a decision on a failed phase" } as const;

export function toAuthority(account: RunAccount): readonly Block[] {
  if (account.mode !== "live") return [paragraph("None was needed: a dry run writes nothing, and no approval is used by it.")];
  if (account.approvals.length === 0) return [paragraph("The journal records no approval.")];
  const signed = account.approvals.flatMap(({ at, entry }) =>
    entry.signatures.map(({ role, fingerprint, signature_sha256 }) => [entry.gate, meanings[entry.gate], role, fingerprint, entry.issued_at, at, entry.review_decision_id, entry.kb_id, entry.document_sha256, signature_sha256]),
  );
  const alone = account.approvals.some(({ entry }) => entry.gate === "RULING" && entry.human_signers < 2) || isSignedByOne(account);
  return [
    table(["Gate", "For", "Signed by", "Fingerprint", "Issued", "Verified", "review_decision id", "Document", "sha256 of the document", "sha256 of the signature"], signed),
    ...(alone ? [paragraph("one human signer"), paragraph("No second person signed: sovereign and architect are not two people here, or no architect's key is pinned.")] : []),
    ...(account.decisions.length === 0 ? [] : [list(account.decisions.map(({ at, entry }) => `SG_3 decided ${entry.decision} at ${at}, review_decision ${entry.review_decision_id}.`))]),
  ];
}

/** One person, however many documents: what counts is the primary key. */
function isSignedByOne(account: RunAccount): boolean {
  return new Set(account.approvals.flatMap(({ entry }) => entry.signatures.map(({ fingerprint }) => fingerprint))).size < 2;
}
