// By whose authority a run was made: each approval it relied on, with its signers, as the journal recorded them. Pure.
import { list, paragraph, table, type Block } from "../page/page.ts";
import type { RecordOf } from "../journal/record.ts";
import type { RevertAccount } from "../revert/account.ts";
import type { RunAccount } from "./account.ts";

const meanings = {
  RULING: "enabling execution",
  SG_1: "the cut",
  SG_2: "bringing the units into force",
  SG_3: "a decision on a failed phase",
} as const;

/** One approval, however often a start verified it. */
interface UsedApproval {
  readonly entry: RecordOf<"approval_verified">["entry"];
  readonly verifiedAt: readonly string[];
}

/** `revert`: a way back has an approval of its own, which the run's journal does not know. */
export function toAuthority(account: RunAccount, revert: RevertAccount | null): readonly Block[] {
  if (account.mode !== "live") return [paragraph("None was needed: a dry run writes nothing, and no approval is used by it.")];
  const used = toUsed(account);
  const approval = revert?.approval ?? null;
  if (used.length === 0 && approval === null) return [paragraph("The journal records no approval.")];
  return [
    table(
      ["Gate", "For", "Signed by", "Fingerprint", "Issued", "Verified"],
      [
        ...used.flatMap(({ entry, verifiedAt }) =>
          entry.signatures.map(({ role, fingerprint }) => [
            entry.gate,
            meanings[entry.gate],
            role,
            fingerprint,
            entry.issued_at,
            toTimes(verifiedAt),
          ]),
        ),
        ...(approval === null
          ? []
          : [["REVERT", "taking the run back", "sovereign", approval.signer, "see the document", approval.verifiedAt]]),
      ],
    ),
    ...(account.whyHarmless === null ? [] : [paragraph(`Why the document can bear it, as the ruling says: ${account.whyHarmless}`)]),
    ...(isSignedByOne(used)
      ? [
          paragraph("one human signer"),
          paragraph("No second person signed: no architect's key is pinned, or the architect signed nothing here."),
        ]
      : []),
    table(
      ["Gate", "review_decision id", "Document", "sha256 of the document", "sha256 of the signature"],
      [
        ...used.flatMap(({ entry }) =>
          entry.signatures.map(({ signature_sha256 }) => [
            entry.gate,
            entry.review_decision_id,
            entry.kb_id === "" ? "brought with the token" : entry.kb_id,
            entry.document_sha256,
            signature_sha256,
          ]),
        ),
        ...(approval === null ? [] : [["REVERT", approval.reviewDecisionId, "in revert/", approval.sha256, "in revert/"]]),
      ],
    ),
    ...(account.decisions.length === 0
      ? []
      : [
          list(
            account.decisions.map(
              ({ at, entry }) => `SG_3 decided ${entry.decision} at ${at}, review_decision ${entry.review_decision_id}.`,
            ),
          ),
        ]),
  ];
}

function toUsed({ approvals }: RunAccount): readonly UsedApproval[] {
  const byDocument = new Map<string, { readonly entry: UsedApproval["entry"]; readonly verifiedAt: string[] }>();
  for (const { at, entry } of approvals) {
    const known = byDocument.get(entry.document_sha256);
    if (known === undefined) byDocument.set(entry.document_sha256, { entry, verifiedAt: [at] });
    else known.verifiedAt.push(at);
  }
  return [...byDocument.values()];
}

function toTimes(times: readonly string[]): string {
  return times.length === 1 ? (times[0] ?? "") : `${times[0] ?? ""}, and again until ${times.at(-1) ?? ""}`;
}

/** One person, however many documents: what counts is the primary key. */
function isSignedByOne(used: readonly UsedApproval[]): boolean {
  return (
    used.some(({ entry }) => entry.gate === "RULING" && entry.human_signers < 2) ||
    new Set(used.flatMap(({ entry }) => entry.signatures.map(({ fingerprint }) => fingerprint))).size < 2
  );
}
