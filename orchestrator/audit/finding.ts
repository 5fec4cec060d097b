// One thing an audit found wrong: what, the file, and where it has one the record.
import { CutterError, type Facts } from "../core/errors.ts";

/** What an auditor's finding can be. Each asks the same of the same person, so they share AUDIT_EVIDENCE_DIFFERS and its remedy. */
const evidenceProblems = {
  list_invalid: "EVIDENCE.sha256 is missing or is no list of digests",
  file_missing: "a file of the run is missing",
  file_extra: "a file is there that the run did not leave",
  file_changed: "a file is not what the list of digests, or what it was made from, says",
  chain_broken: "the journal's chain does not hold: a record was edited, moved, removed or added",
  journal_illegal: "the journal says something that cannot follow from what stands before it",
  tail_cut: "the journal ends before the run did",
  witness_differs: "a phase's document witnesses another journal than this one",
  document_differs: "a phase's document says something else than the journal",
  receipt_differs: "a phase's document is not the one that was read back from the knowledge base",
  output_changed: "a phase's output is not the one the journal recorded",
  plan_invalid: "the plan is not the document's, or not the one that was approved",
  request_differs: "the request is not the one the run was begun with",
  outcome_differs: "the outcome is not what the journal tells",
  approval_missing: "an approval that the journal says was used is missing",
  approval_invalid: "an approval does not verify, by the key you trust, at the time it was used",
  approval_differs: "the journal tells of an approval something else than its document",
  uuid_reused: "one review_decision_id was used for more than one decision",
  effect_unauthorised: "something was written without a valid approval or ruling before it",
  effect_differs: "an effect is not the one the plan and the approvals lead to",
  backup_differs: "the backup is not the one that was proven",
} as const;

type EvidenceProblem = keyof typeof evidenceProblems;
type OtherCode = "AUDIT_OUTPUT_UNREADABLE" | "AUDIT_KEY_FOREIGN";

export interface AuditFinding {
  readonly code: "AUDIT_EVIDENCE_DIFFERS" | OtherCode;
  readonly what: EvidenceProblem | null; // with AUDIT_EVIDENCE_DIFFERS
  readonly file: string | null;
  readonly record: number | null; // sequence in the journal
  readonly problem: string;
  readonly facts: Facts;
}

export interface FindingLocation {
  readonly file?: string;
  readonly record?: number;
  readonly facts?: Facts;
}

export function auditFinding(
  what: EvidenceProblem | OtherCode,
  problem: string,
  { file, record, facts }: FindingLocation = {},
): AuditFinding {
  const where = { file: file ?? null, record: record ?? null, problem, facts: facts ?? {} };
  return what === "AUDIT_OUTPUT_UNREADABLE" || what === "AUDIT_KEY_FOREIGN"
    ? { code: what, what: null, ...where }
    : { code: "AUDIT_EVIDENCE_DIFFERS", what, ...where };
}

/** What a check of the kit threw, as a finding: its own code stays a fact. Anything else is a bug and is thrown on. */
export function toAuditFinding(what: EvidenceProblem, error: unknown, location: FindingLocation): AuditFinding {
  if (!(error instanceof CutterError)) throw error;
  return auditFinding(what, error.code, { ...location, facts: { ...error.facts, ...location.facts } });
}

/** The sentence of a finding, or nothing when its code says it all. */
export function toFindingSentence({ what }: AuditFinding): string | null {
  return what === null ? null : evidenceProblems[what];
}
