// Every approval the journal says was used: its document, its signatures by the reader's keys, what it binds, and whether it was fresh when
// it was used.
import { toExpectedGate, type Expected } from "../core/approval/binding.ts";
import type { ApprovalScope } from "../core/approval/scope.ts";
import { parseApproval } from "../core/approval/parse.ts";
import { toApprovedDecisions, type Approval } from "../core/approval/schema.ts";
import { requireFresh } from "../core/approval/freshness.ts";
import { verifyApproval, type Keys, type VerifiedApproval } from "../core/approval/verify.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { recordsOf, type RecordOf } from "../core/journal/record.ts";
import { auditFinding, toAuditFinding, type AuditFinding } from "./finding.ts";
import type { RunBundle } from "../evidence/bundle.ts";
import { journalName, type AuditedJournal } from "./read-journal.ts";

/** What the run itself says an approval must be for. */
export interface Bound {
  readonly scope: Omit<ApprovalScope, "payloadSha"> & { readonly payloadSha: string | null }; // null: it came to no plan
  readonly sourceSha256: string | null;
  readonly runbookSha256: string | null;
  readonly grantMatrixSha256: string | null;
}

type ApprovalRecord = RecordOf<"approval_verified">;
/** Signatures nobody gave a key for stay unverified, and that is said. */
export interface ApprovalCheck {
  readonly findings: readonly AuditFinding[];
  readonly verified: number;
  readonly notVerified: number;
}

const approvalsFolder = "approvals/";

export async function checkApprovals(
  material: RunBundle,
  journal: AuditedJournal,
  keys: Keys | null,
  bound: Bound,
): Promise<ApprovalCheck> {
  const findings: AuditFinding[] = [];
  let verified = 0;
  let notVerified = 0;
  for (const record of recordsOf(journal.records, "approval_verified")) {
    const stored = findStoredApproval(material, record, findings);
    if (stored === null) continue;
    const approval = parse(stored, record, findings);
    if (approval === null) continue;
    findings.push(...compareRecord(approval, record, bound, stored.file));
    const given = keys === null ? [] : stored.signatures.filter(({ role }) => role === "sovereign" || keys.architect !== null);
    notVerified += stored.signatures.length - given.length;
    if (keys === null) {
      findings.push(...checkUse(journal, record, approval, [], stored.file));
      continue;
    }
    const outcome = await verify(
      stored,
      given.map(({ bytes }) => bytes),
      keys,
      record,
      toExpected(record, bound),
      findings,
    );
    if (outcome === null) continue;
    verified += given.length;
    findings.push(
      ...compareSigners(outcome, record, stored.file),
      ...checkUse(
        journal,
        record,
        approval,
        outcome.signers.map(({ signedAt }) => signedAt),
        stored.file,
      ),
    );
  }
  return { findings: [...findings, ...checkDecisions(material, journal), ...checkUuids(journal)], verified, notVerified };
}

interface StoredApproval {
  readonly file: string;
  readonly document: Uint8Array;
  readonly signatures: readonly { readonly role: "sovereign" | "architect"; readonly bytes: Uint8Array }[];
}

/** By digest: names prove nothing. */
function findStoredApproval(material: RunBundle, { seq, entry }: ApprovalRecord, findings: AuditFinding[]): StoredApproval | null {
  const stored = [...material.files]
    .filter(([name]) => name.startsWith(approvalsFolder))
    .map(([file, bytes]) => ({ file, bytes, sha256: sha256Hex(bytes) }));
  const document = stored.find(({ sha256 }) => sha256 === entry.document_sha256);
  const missing = (what: string, sha256: string): AuditFinding =>
    auditFinding("approval_missing", `no file has the digest of ${what}`, {
      file: journalName,
      record: seq,
      facts: { gate: entry.gate, sha256 },
    });
  if (document === undefined) {
    findings.push(missing("the document", entry.document_sha256));
    return null;
  }
  const signatures = entry.signatures.flatMap(({ role, signature_sha256 }) => {
    const found = stored.find(({ sha256 }) => sha256 === signature_sha256);
    if (found !== undefined) return [{ role, bytes: found.bytes }];
    findings.push(missing(`the ${role}'s signature`, signature_sha256));
    return [];
  });
  return signatures.length === entry.signatures.length ? { file: document.file, document: document.bytes, signatures } : null;
}

function parse({ document, file }: StoredApproval, { seq }: ApprovalRecord, findings: AuditFinding[]): Approval | null {
  try {
    return parseApproval(document);
  } catch (error) {
    findings.push(toAuditFinding("approval_invalid", error, { file, record: seq }));
    return null;
  }
}

/** What the journal tells of it, and what the run was, against what the signed text says. */
function compareRecord(approval: Approval, { seq, entry }: ApprovalRecord, bound: Bound, file: string): readonly AuditFinding[] {
  const decision = toApprovedDecisions(approval).find(({ run_id }) => run_id === bound.scope.runId);
  if (decision === undefined)
    return [
      auditFinding("approval_invalid", "it is for another run", {
        file,
        record: seq,
        facts: { expected: bound.scope.runId, found: approval.run_id },
      }),
    ];
  const pairs: readonly (readonly [field: string, journal: string, document: string])[] = [
    ["gate", entry.gate, approval.gate],
    ["review_decision_id", entry.review_decision_id, decision.review_decision_id],
    ["payload_sha", entry.payload_sha, decision.payload_sha],
    ["issued_at", entry.issued_at, approval.issued_at],
  ];
  const different = pairs.filter(([, left, right]) => left !== right).map(([field]) => field);
  return different.length === 0
    ? []
    : [auditFinding("approval_differs", "journal and document differ", { file, record: seq, facts: { fields: different } })];
}

/** What the journal took an SG_3 for, against what was signed: going on by a signed void is no decision of the sovereign's. */
function checkDecisions(material: RunBundle, { records }: AuditedJournal): readonly AuditFinding[] {
  return recordsOf(records, "escalation_decided").flatMap(({ seq, entry }) => {
    const [file, bytes] =
      [...material.files].find(([name, content]) => name.startsWith(approvalsFolder) && sha256Hex(content) === entry.approval_sha256) ?? [];
    if (file === undefined || bytes === undefined)
      return [
        auditFinding("approval_missing", "no file has the digest of the document", {
          file: journalName,
          record: seq,
          facts: { gate: "SG_3", sha256: entry.approval_sha256 },
        }),
      ];
    try {
      const { gate, decision } = parseApproval(bytes);
      return gate === "SG_3" && decision === entry.decision
        ? []
        : [
            auditFinding("approval_differs", "another decision was signed", {
              file,
              record: seq,
              facts: { expected: `SG_3 ${entry.decision}`, found: `${gate} ${decision}` },
            }),
          ];
    } catch (error) {
      return [toAuditFinding("approval_invalid", error, { file, record: seq })];
    }
  });
}

function toExpected({ entry }: ApprovalRecord, bound: Bound): Expected {
  const { payloadSha, ...scope } = bound.scope;
  const own = {
    ...(entry.gate === "SG_3" ? { gate: entry.gate } : toExpectedGate(entry.gate)),
    ...scope,
    ...(payloadSha === null ? {} : { payloadSha }),
  };
  if (entry.gate !== "RULING") return own;
  const { sourceSha256, runbookSha256, grantMatrixSha256 } = bound;
  return {
    ...own,
    ruling: {
      ...(sourceSha256 === null ? {} : { documentSha256: sourceSha256 }),
      ...(runbookSha256 === null ? {} : { rollbackRunbookSha256: runbookSha256 }),
      ...(grantMatrixSha256 === null ? {} : { grantMatrixSha256 }),
    },
  };
}

/** At the time the journal says it was verified: a key that expired since was good then; a revoked one is never good. */
async function verify(
  { document, file }: StoredApproval,
  signatures: readonly Uint8Array[],
  keys: Keys,
  { seq, at }: ApprovalRecord,
  expected: Expected,
  findings: AuditFinding[],
): Promise<VerifiedApproval | null> {
  try {
    return await verifyApproval({ document, signatures, keys, expected, now: new Date(at) });
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    findings.push(toAuditFinding("approval_invalid", error, { file, record: seq, facts: { judged_at: at } }));
    return null;
  }
}

function compareSigners({ signers }: VerifiedApproval, { seq, entry }: ApprovalRecord, file: string): readonly AuditFinding[] {
  const different = signers.filter(
    (signer) =>
      !entry.signatures.some(
        ({ role, fingerprint, signature_sha256 }) =>
          role === signer.role && fingerprint === signer.fingerprint && signature_sha256 === signer.signatureSha256,
      ),
  );
  const people = new Set(entry.signatures.map(({ fingerprint }) => fingerprint)).size;
  return [
    ...different.map(({ role, fingerprint }) =>
      auditFinding("approval_differs", "the journal names another signer", {
        file,
        record: seq,
        facts: { role, found: fingerprint },
      }),
    ),
    ...(people === entry.human_signers
      ? []
      : [
          auditFinding("approval_differs", "the journal counts other signers than it names", {
            file,
            record: seq,
            facts: { human_signers: entry.human_signers, named: people },
          }),
        ]),
  ];
}

/**
 * The transactions an approval was used for, until another of its gate took its place: a decision's own row; a ruling's every write of its
 * start.
 */
function checkUse(
  { records }: AuditedJournal,
  { seq, entry }: ApprovalRecord,
  approval: Approval,
  signedAt: readonly Date[],
  file: string,
): readonly AuditFinding[] {
  if (entry.gate === "SG_3") return [];
  const until =
    recordsOf(records, "approval_verified").find((other) => other.seq > seq && other.entry.gate === entry.gate)?.seq ?? Infinity;
  const uses = recordsOf(records, "transaction").filter(
    (use) => use.seq > seq && use.seq < until && (entry.gate === "RULING" || use.entry.step === entry.gate),
  );
  return uses.flatMap((use) => {
    try {
      requireFresh(approval, signedAt, new Date(use.at));
      return [];
    } catch (error) {
      return [toAuditFinding("approval_invalid", error, { file, record: use.seq, facts: { used_for: use.entry.step } })];
    }
  });
}

/** One UUID, one decision: never collapsed into another gate's or another document's. */
function checkUuids({ records }: AuditedJournal): readonly AuditFinding[] {
  const first = new Map<string, ApprovalRecord>();
  return recordsOf(records, "approval_verified").flatMap((record) => {
    const { review_decision_id: id, gate } = record.entry;
    const before = first.get(id);
    if (before === undefined) first.set(id, record);
    if (before === undefined || (before.entry.gate === gate && before.entry.document_sha256 === record.entry.document_sha256)) return [];
    return [
      auditFinding("uuid_reused", `first used by ${before.entry.gate}`, {
        file: journalName,
        record: record.seq,
        facts: { gate, review_decision_id: id, first_record: before.seq },
      }),
    ];
  });
}
