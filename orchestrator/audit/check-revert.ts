// The records of a revert, judged like a run's: its journal, who approved it by the reader's key, what it ran, its backup, its outcome and
// the document it told. What the revert's journal does not vouch for is told.
import { toExpectedGate } from "../core/approval/binding.ts";
import { requireFresh } from "../core/approval/freshness.ts";
import { parseApproval } from "../core/approval/parse.ts";
import { verifyApproval, type Keys } from "../core/approval/verify.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { readLines, toLineHash, toWholeLines } from "../core/journal/chain.ts";
import { recordsOf, type JournalRecord } from "../core/journal/record.ts";
import { toRevertAccount, type RevertAccount } from "../core/revert/account.ts";
import { revertFolderName, revertJournalName, toRevertFileNames } from "../core/revert/files.ts";
import { newRevert, nextRevertStatus, parseRevertRecord, type RevertEntry, type RevertRecord } from "../core/revert/journal.ts";
import { bundleName, type RunBundle } from "../evidence/bundle.ts";
import { checksumListName } from "../evidence/checksum-list.ts";
import type { Bound } from "./check-approvals.ts";
import { checkRevertList } from "./check-files.ts";
import { checkRevertSteps, toRevertNotes } from "./check-revert-steps.ts";
import {
  checkRevertDocument,
  checkRevertOutcome,
  revertDocumentName,
  revertOutcomeName,
  toWordingNotes,
  type ReadRevert,
} from "./check-revert-told.ts";
import { auditFinding, toAuditFinding, type AuditFinding } from "./finding.ts";

export interface RevertCheck {
  readonly account: RevertAccount | null; // null: there is no revert among the records, or it cannot be read
  readonly records: number;
  readonly findings: readonly AuditFinding[];
  readonly notes: readonly string[]; // what is believed by the journal's word alone
  readonly compared: readonly string[]; // what was there and was held against the journal, for people
  readonly verified: number;
  readonly notVerified: number;
}

const none: RevertCheck = { account: null, records: 0, findings: [], notes: [], compared: [], verified: 0, notVerified: 0 };

/** What the run itself says of its revert. */
interface RevertBound extends Pick<Bound, "scope"> {
  readonly plannedUnits: number | null; // null: its plan cannot be read
  readonly releaseSha256: string | null; // of the auditing program, as in AuditContext
}

/** `records` are the run's own: no UUID of theirs may be the revert's. */
export async function checkRevert(
  material: RunBundle,
  records: readonly JournalRecord[],
  keys: Keys | null,
  { scope, plannedUnits, releaseSha256 }: RevertBound,
): Promise<RevertCheck> {
  const names = [...material.files.keys(), ...material.digestsOnly.keys()].filter((name) => name.startsWith(revertFolderName));
  if (names.length === 0) return none;
  const journal = readRevertJournal(material);
  if ("problem" in journal) return { ...none, findings: [journal] };
  const revert = journal.records;
  const account = toRevertAccount(revert);
  const starts = toStarts(revert);
  const signed = await Promise.all(starts.map((start) => checkStart(material, revert, start, keys, scope)));
  return {
    account,
    records: revert.length,
    findings: [
      ...checkScope(revert, scope),
      ...checkUuids(records, starts),
      ...signed.flatMap(({ findings }) => findings),
      ...checkRevertSteps(revert, plannedUnits),
      ...checkBackups(material, revert),
      ...checkRevertOutcome(material, journal),
      ...checkRevertDocument(material, journal, releaseSha256),
      ...checkNames(names, revert, starts),
      // The list is written last of all: while a start goes on, or was killed, the one that is there is of an earlier start.
      ...(revert.at(-1)?.entry.kind === "attempt_ended" ? checkRevertList(material) : []),
    ],
    notes: [...toWordingNotes(material, journal, releaseSha256), ...toRevertNotes(revert)],
    compared: [
      ...(starts.length === 0 ? [] : ["the SQL it ran"]),
      ...(plannedUnits === null || account?.state !== "reverted" ? [] : ["its units against the plan"]),
      ...(material.files.has(revertOutcomeName) ? ["its outcome"] : []),
      ...(material.files.has(revertDocumentName) ? ["its document"] : []),
    ],
    verified: signed.filter(({ state }) => state === "verified").length,
    notVerified: signed.filter(({ state }) => state === "no key").length,
  };
}

function readRevertJournal(material: RunBundle): ReadRevert | AuditFinding {
  const file = revertJournalName;
  const bytes = material.files.get(file);
  if (bytes === undefined || bytes.length === 0)
    return auditFinding("file_missing", "a revert's files are there, and not its journal", { file });
  try {
    const { records, torn } = readLines(bytes, file, parseRevertRecord);
    if (torn !== null && material.origin !== "folder")
      // a revert that goes on takes it back at its next start
      return auditFinding("tail_cut", "the last line has no end", { file, facts: { bytes: torn.bytes } });
    records.reduce(nextRevertStatus, newRevert);
    return { records, hashes: toWholeLines(bytes).map(toLineHash) };
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    return toAuditFinding(error.facts["reason"] === "illegal_record" ? "journal_illegal" : "chain_broken", error, { file });
  }
}

type Start = Omit<RevertRecord, "entry"> & { readonly entry: Extract<RevertEntry, { kind: "attempt_started" }> };

function toStarts(records: readonly RevertRecord[]): readonly Start[] {
  return records.filter((record): record is Start => record.entry.kind === "attempt_started");
}

function checkScope(records: readonly RevertRecord[], scope: Bound["scope"]): readonly AuditFinding[] {
  const started = records[0]?.entry;
  if (started?.kind !== "revert_started") return [];
  const pairs: readonly (readonly [string, string | null, string])[] = [
    ["run_id", scope.runId, started.run_id],
    ["document_id", scope.documentId, started.document_id],
    ["payload_sha", scope.payloadSha, started.payload_sha],
  ];
  const different = pairs.filter(([, wanted, found]) => wanted !== null && wanted !== found).map(([field]) => field);
  return different.length === 0
    ? []
    : [
        auditFinding("effect_differs", "the revert is of another run, document or plan", {
          file: revertJournalName,
          record: 0,
          facts: { fields: different },
        }),
      ];
}

function checkUuids(records: readonly JournalRecord[], starts: readonly Start[]): readonly AuditFinding[] {
  const used = new Set(recordsOf(records, "approval_verified").map(({ entry }) => entry.review_decision_id));
  return starts
    .filter(({ entry }) => used.has(entry.review_decision_id))
    .map(({ seq, entry }) =>
      auditFinding("uuid_reused", "first used by the run itself", {
        file: revertJournalName,
        record: seq,
        facts: { gate: "REVERT", review_decision_id: entry.review_decision_id },
      }),
    );
}

interface StartCheck {
  readonly state: "verified" | "no key" | "failed";
  readonly findings: readonly AuditFinding[];
}

/** Who allowed this start, and what it was to run: the bytes beside the journal, by the digests it records. */
async function checkStart(
  material: RunBundle,
  records: readonly RevertRecord[],
  { seq, at, entry }: Start,
  keys: Keys | null,
  scope: Bound["scope"],
): Promise<StartCheck> {
  const location = { file: revertJournalName, record: seq };
  const names = toRevertFileNames({ approvalSha256: entry.approval_sha256, runbookSha256: entry.runbook_sha256 });
  const [document, signature, runbook] = [names.approval, names.signature, names.runbook].map((name) => material.files.get(name));
  const missing = (file: string): AuditFinding =>
    auditFinding("approval_missing", "a revert's approval is not beside it", { ...location, file });
  const ran =
    runbook !== undefined && sha256Hex(runbook) === entry.runbook_sha256
      ? []
      : [
          auditFinding(runbook === undefined ? "file_missing" : "file_changed", "it is not the SQL that the revert was to run", {
            ...location,
            file: names.runbook,
          }),
        ];
  if (document === undefined || sha256Hex(document) !== entry.approval_sha256)
    return { state: "failed", findings: [...ran, missing(names.approval)] };
  if (signature === undefined) return { state: "failed", findings: [...ran, missing(names.signature)] };
  try {
    const approval = parseApproval(document);
    const differs = approval.review_decision_id !== entry.review_decision_id ? ["review_decision_id"] : [];
    const host = entry.host_identity === scope.host || scope.host === "" ? [] : ["host"];
    const fields = [...differs, ...host];
    const told =
      fields.length === 0 ? [] : [auditFinding("approval_differs", "journal and document differ", { ...location, facts: { fields } })];
    if (keys === null) return { state: "no key", findings: [...ran, ...told] };
    const { payloadSha } = scope;
    const verified = await verifyApproval({
      document,
      signatures: [signature],
      keys: { sovereign: keys.sovereign, architect: null },
      expected: {
        ...toExpectedGate("REVERT"),
        runId: scope.runId,
        documentId: scope.documentId,
        host: entry.host_identity,
        releaseSha256: entry.release_sha256,
        ...(payloadSha === null ? {} : { payloadSha }),
      },
      now: new Date(at),
    });
    for (const use of transactionsOf(records, seq))
      requireFresh(
        verified.approval,
        verified.signers.map(({ signedAt }) => signedAt),
        new Date(use.at),
      );
    const signer = verified.signers[0]?.fingerprint ?? "none";
    return {
      state: "verified",
      findings: [
        ...ran,
        ...told,
        ...(signer === entry.signer
          ? []
          : [auditFinding("approval_differs", "the journal names another signer", { ...location, facts: { found: signer } })]),
      ],
    };
  } catch (error) {
    return { state: "failed", findings: [...ran, toAuditFinding("approval_invalid", error, { ...location, file: names.approval })] };
  }
}

/** Of the start at this record. One that was killed has no end of its own: what follows the next start is that one's. */
function transactionsOf(records: readonly RevertRecord[], seq: number): readonly RevertRecord[] {
  const later = records.slice(seq + 1);
  const end = later.findIndex(({ entry }) => ["attempt_ended", "attempt_started"].includes(entry.kind));
  return later.slice(0, end < 0 ? later.length : end).filter(({ entry }) => entry.kind === "transaction");
}

function checkBackups(material: RunBundle, records: readonly RevertRecord[]): readonly AuditFinding[] {
  if (material.origin === "bundle") return [];
  return records.flatMap(({ seq, entry }) => {
    if (entry.kind !== "backup_made") return [];
    const file = `${revertFolderName}${entry.name}`;
    const found = material.digestsOnly.get(file);
    return found === entry.ciphertext_sha256
      ? []
      : [
          auditFinding("backup_differs", found === undefined ? "absent" : "another digest than the journal's", {
            file,
            record: seq,
            facts: { expected_sha256: entry.ciphertext_sha256 },
          }),
        ];
  });
}

function checkNames(names: readonly string[], records: readonly RevertRecord[], starts: readonly Start[]): readonly AuditFinding[] {
  const allowed = new Set([
    revertJournalName,
    revertOutcomeName,
    revertDocumentName,
    ...[bundleName, checksumListName].map((name) => `${revertFolderName}${name}`),
    ...starts.flatMap(({ entry }) =>
      Object.values(toRevertFileNames({ approvalSha256: entry.approval_sha256, runbookSha256: entry.runbook_sha256 })),
    ),
    ...records.flatMap(({ entry }) => (entry.kind === "backup_made" ? [`${revertFolderName}${entry.name}`] : [])),
  ]);
  // A start that stopped in the middle of its backup may leave a part of one: its digest is in the list, and it is believed in nothing.
  return names
    .filter((name) => !allowed.has(name) && !name.endsWith(".gpg"))
    .map((file) => auditFinding("file_extra", "a revert does not leave such a file", { file }));
}
