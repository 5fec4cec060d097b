// Codes of an audit: what a run's evidence shows that should not be there, or lacks; orchestrator/audit/finding.ts lists the cases.
import type { CodeEntry } from "./entry.ts";

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
    remedy: "take audit-bundle.tar from the run's folder (of a reverted run: from revert/ in it) again, as a binary file",
    exit: 10,
  },
  AUDIT_EVIDENCE_DIFFERS: {
    summary: "the evidence of a run does not agree with itself: what says how, file and record say where",
    remedy:
      "keep this copy as evidence; compare it with the run's folder on the host and with the receipts in the knowledge base, " +
      "and ask who changed it",
    exit: 30,
  },
  AUDIT_OUTPUT_UNREADABLE: {
    summary: "a phase's output cannot be read by this release",
    remedy: "audit it with the release that made it; the manifest's sha256 stands in the first record of the journal",
    exit: 30,
  },
  AUDIT_KEY_FOREIGN: {
    summary: "a public key kept with the run is not the one you trust",
    remedy: "whoever made this evidence used another key: trust your own, and ask",
    exit: 30,
  },
} as const satisfies Record<string, CodeEntry>;
