// Codes of an audit: what a run's evidence shows that should not be there, or lacks. One way to be wrong, one code.
import type { CodeEntry } from "./entry.ts";

const keep =
  "keep this copy as evidence; compare it with the run's folder on the host and with the receipts in the knowledge base, and ask who changed it";

export const auditCodes = {
  AUDIT_FAILED: {
    summary: "the evidence of the run does not hold together",
    remedy: "the findings above name file and record of each; keep this copy as evidence and ask who changed it",
    exit: 30,
  },
  AUDIT_SIGNATURES_NOT_VERIFIED: {
    summary: "everything else holds, but the signatures were not verified: no key was given to judge them by",
    remedy: "give --sovereign-key FILE and --sovereign-fingerprint FPR of a key you trust; the keys in the bundle prove nothing",
    exit: 10,
  },
  AUDIT_BUNDLE_INVALID: {
    summary: "this is no audit bundle, or not in the one form a bundle has",
    remedy: "take audit-bundle.tar from the run's folder again, as a binary file",
    exit: 10,
  },
  AUDIT_LIST_INVALID: { summary: "EVIDENCE.sha256 is missing or is no list of digests", remedy: keep, exit: 30 },
  AUDIT_FILE_MISSING: { summary: "a file of the run is missing", remedy: keep, exit: 30 },
  AUDIT_FILE_EXTRA: { summary: "a file is there that the run did not leave", remedy: keep, exit: 30 },
  AUDIT_FILE_CHANGED: { summary: "a file is not what the list of digests, or what it was made from, says", remedy: keep, exit: 30 },
  AUDIT_CHAIN_BROKEN: {
    summary: "the journal's chain does not hold: a record was edited, moved, removed or added",
    remedy: keep,
    exit: 30,
  },
  AUDIT_JOURNAL_ILLEGAL: { summary: "the journal says something that cannot follow from what stands before it", remedy: keep, exit: 30 },
  AUDIT_TAIL_CUT: { summary: "the journal ends before the run did", remedy: keep, exit: 30 },
  AUDIT_WITNESS_DIFFERS: { summary: "a phase's document witnesses another journal than this one", remedy: keep, exit: 30 },
  AUDIT_DOCUMENT_DIFFERS: { summary: "a phase's document says something else than the journal", remedy: keep, exit: 30 },
  AUDIT_RECEIPT_DIFFERS: {
    summary: "a phase's document is not the one that was read back from the knowledge base",
    remedy: keep,
    exit: 30,
  },
  AUDIT_OUTPUT_CHANGED: { summary: "a phase's output is not the one the journal recorded", remedy: keep, exit: 30 },
  AUDIT_OUTPUT_UNREADABLE: {
    summary: "a phase's output cannot be read by this release",
    remedy: "audit it with the release that made it; the manifest's sha256 stands in the first record of the journal",
    exit: 30,
  },
  AUDIT_PLAN_INVALID: { summary: "the plan is not the document's, or not the one that was approved", remedy: keep, exit: 30 },
  AUDIT_REQUEST_DIFFERS: { summary: "the request is not the one the run was begun with", remedy: keep, exit: 30 },
  AUDIT_OUTCOME_DIFFERS: { summary: "the outcome is not what the journal tells", remedy: keep, exit: 30 },
  AUDIT_APPROVAL_MISSING: { summary: "an approval that the journal says was used is missing", remedy: keep, exit: 30 },
  AUDIT_APPROVAL_INVALID: { summary: "an approval does not verify, by the key you trust, at the time it was used", remedy: keep, exit: 30 },
  AUDIT_APPROVAL_DIFFERS: { summary: "the journal tells of an approval something else than its document", remedy: keep, exit: 30 },
  AUDIT_UUID_REUSED: { summary: "one review_decision_id was used for more than one decision", remedy: keep, exit: 30 },
  AUDIT_EFFECT_UNAUTHORISED: { summary: "something was written without a valid approval or ruling before it", remedy: keep, exit: 30 },
  AUDIT_EFFECT_DIFFERS: { summary: "an effect is not the one the plan and the approvals lead to", remedy: keep, exit: 30 },
  AUDIT_KEY_FOREIGN: {
    summary: "a public key kept with the run is not the one you trust",
    remedy: "whoever made this evidence used another key: trust your own, and ask",
    exit: 30,
  },
  AUDIT_BACKUP_DIFFERS: { summary: "the backup is not the one that was proven", remedy: keep, exit: 30 },
} as const satisfies Record<string, CodeEntry>;
