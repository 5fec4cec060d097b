// The records of a revert, judged like a run's: its journal, who approved it by the reader's key, what it ran, its backup, its outcome and
// the document it told. What the revert's journal does not vouch for is told.
import { z } from "zod";
import { toExpectedGate } from "../core/approval/binding.ts";
import { requireFresh } from "../core/approval/freshness.ts";
import { parseApproval } from "../core/approval/parse.ts";
import { verifyApproval, type Keys } from "../core/approval/verify.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";
import { CutterError } from "../core/errors.ts";
import { readLines } from "../core/journal/chain.ts";
import { recordsOf, type JournalRecord } from "../core/journal/record.ts";
import { toRevertAccount, type RevertAccount } from "../core/revert/account.ts";
import { revertFolderName, revertJournalName, toRevertFileNames } from "../core/revert/files.ts";
import { newRevert, nextRevertStatus, parseRevertRecord, type RevertEntry, type RevertRecord } from "../core/revert/journal.ts";
import { bundleName, type RunBundle } from "../evidence/bundle.ts";
import { checksumListName } from "../evidence/checksum-list.ts";
import type { Bound } from "./check-approvals.ts";
import { checkRevertList } from "./check-files.ts";
import { auditFinding, toAuditFinding, type AuditFinding } from "./finding.ts";

export interface RevertCheck {
  readonly account: RevertAccount | null; // null: there is no revert among the records, or it cannot be read
  readonly records: number;
  readonly findings: readonly AuditFinding[];
  readonly verified: number;
  readonly notVerified: number;
}

const none: RevertCheck = { account: null, records: 0, findings: [], verified: 0, notVerified: 0 };

/** `records` are the run's own: no UUID of theirs may be the revert's. */
export async function checkRevert(
  material: RunBundle,
  records: readonly JournalRecord[],
  keys: Keys | null,
  { scope }: Bound,
): Promise<RevertCheck> {
  const names = [...material.files.keys(), ...material.digestsOnly.keys()].filter((name) => name.startsWith(revertFolderName));
  if (names.length === 0) return none;
  const journal = readRevertJournal(material);
  if (!Array.isArray(journal)) return { ...none, findings: [journal as AuditFinding] };
  const revert = journal as readonly RevertRecord[];
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
      ...checkBackups(material, revert),
      ...checkOutcome(material, revert, account),
      ...checkDocument(material, account),
      ...checkNames(names, revert, starts),
      // The list is written last of all: while a start goes on, or was killed, the one that is there is of an earlier start.
      ...(revert.at(-1)?.entry.kind === "attempt_ended" ? checkRevertList(material) : []),
    ],
    verified: signed.filter(({ state }) => state === "verified").length,
    notVerified: signed.filter(({ state }) => state === "no key").length,
  };
}

function readRevertJournal(material: RunBundle): readonly RevertRecord[] | AuditFinding {
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
    return records;
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

const outcomeSchema = z.looseObject({
  run_id: z.string(),
  result: z.string(),
  code: z.string().nullable(),
  units: z.int().nullable(),
  reverted_at: z.string().nullable(),
  transaction_id: z.string().nullable(),
  approval: z.looseObject({ review_decision_id: z.string(), signer: z.string() }).nullable(),
  backup: z.looseObject({ ciphertext_sha256: z.string() }).nullable(),
});

/** Of the last start; one that has no end left none. */
function checkOutcome(material: RunBundle, records: readonly RevertRecord[], account: RevertAccount | null): readonly AuditFinding[] {
  if (account === null || records.at(-1)?.entry.kind !== "attempt_ended") return [];
  const file = `${revertFolderName}outcome.json`;
  const bytes = material.files.get(file);
  if (bytes === undefined) return [auditFinding("file_missing", "absent", { file })];
  const told = outcomeSchema.safeParse(tryParseJson(bytes));
  if (!told.success) return [auditFinding("outcome_differs", "it is no outcome of a revert", { file })];
  const last = toStarts(records).at(-1)?.entry;
  const started = records[0]?.entry;
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ["run_id", started?.kind === "revert_started" ? started.run_id : null, told.data.run_id],
    ["code", account.code, told.data.code],
    ["units", account.units, told.data.units],
    ["reverted_at", account.revertedAt, told.data.reverted_at],
    ["transaction_id", account.transactionId, told.data.transaction_id],
    ["review_decision_id", last?.review_decision_id ?? null, told.data.approval?.review_decision_id ?? null],
    ["signer", last?.signer ?? null, told.data.approval?.signer ?? null],
    ["backup", account.backupSha256, told.data.backup?.ciphertext_sha256 ?? null],
    ["result", account.state === "reverted" && account.code === null, ["reverted", "already_reverted"].includes(told.data.result)],
  ];
  const different = pairs.filter(([, wanted, found]) => wanted !== found).map(([field]) => field);
  return different.length === 0
    ? []
    : [auditFinding("outcome_differs", "it tells another end than the revert's journal", { file, facts: { fields: different } })];
}

function checkDocument(material: RunBundle, account: RevertAccount | null): readonly AuditFinding[] {
  const receipt = account?.receipt ?? null;
  if (receipt === null) return [];
  const file = `${revertFolderName}revert.md`;
  const bytes = material.files.get(file);
  return bytes !== undefined && sha256Hex(bytes) === receipt.sha256
    ? []
    : [auditFinding("receipt_differs", bytes === undefined ? "absent" : "another digest than the receipt's", { file })];
}

function checkNames(names: readonly string[], records: readonly RevertRecord[], starts: readonly Start[]): readonly AuditFinding[] {
  const allowed = new Set([
    revertJournalName,
    ...["outcome.json", "revert.md", bundleName, checksumListName].map((name) => `${revertFolderName}${name}`),
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
