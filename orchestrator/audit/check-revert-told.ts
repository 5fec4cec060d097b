// What a revert told of itself beside its journal: its outcome and its document. Neither is believed for itself, and none may be there that
// the journal does not lead to.
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { sha256Hex } from "../core/encoding/digest.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";
import { readRecordBlock } from "../core/journal/witness.ts";
import { toRevertAccount, type RevertAccount } from "../core/revert/account.ts";
import { toWhyKept } from "../core/revert/differences.ts";
import { revertFolderName } from "../core/revert/files.ts";
import type { RevertEntry, RevertRecord } from "../core/revert/journal.ts";
import { toRevertDocument } from "../engine/revert/document.ts";
import type { RunBundle } from "../evidence/bundle.ts";
import { auditFinding, type AuditFinding } from "./finding.ts";

export const revertOutcomeName = `${revertFolderName}outcome.json`;
export const revertDocumentName = `${revertFolderName}revert.md`;

export interface ReadRevert {
  readonly records: readonly RevertRecord[];
  readonly hashes: readonly string[]; // of each line: the head of the chain after it
}

const differences = z.array(z.looseObject({ table: z.string(), rowsOfRun: z.int(), restRows: z.int(), rest: z.string() }));
const approval = z.looseObject({ sha256: z.string(), review_decision_id: z.string(), signer: z.string() }).nullable();
const backup = z.looseObject({ ciphertext_sha256: z.string() }).nullable();
const toldSchema = z.looseObject({
  run_id: z.string(),
  document_id: z.string().nullable(),
  payload_sha: z.string().nullable(),
  units: z.int().nullable(),
  approval,
  backup,
  transaction_id: z.string().nullable(),
  differences,
});
const outcomeSchema = toldSchema.extend({
  result: z.string(),
  exit_code: z.int(),
  code: z.string().nullable(),
  reverted_at: z.string().nullable(),
});
const recordSchema = toldSchema.extend({
  runbook_sha256: z.string(),
  journal: z.strictObject({ seq: z.int().min(0), head: z.string() }),
});

type Started = Extract<RevertEntry, { kind: "attempt_started" }>;
type Pair = readonly [field: string, wanted: unknown, found: unknown];

interface Told {
  readonly account: RevertAccount | null;
  readonly own: Extract<RevertEntry, { kind: "revert_started" }> | null;
  readonly start: Started | null;
  pairs(found: z.infer<typeof toldSchema>): readonly Pair[];
}

/** What the journal had told up to a record, in an outcome's and a document's own fields. */
function toTold(records: readonly RevertRecord[]): Told {
  const account = toRevertAccount(records);
  const started = records[0]?.entry;
  const own = started?.kind === "revert_started" ? started : null;
  const start = records.map(({ entry }) => entry).findLast((entry) => entry.kind === "attempt_started") ?? null;
  return {
    account,
    own,
    start,
    pairs: (found) => [
      ["run_id", own?.run_id, found.run_id],
      ["document_id", own?.document_id, found.document_id],
      ["payload_sha", own?.payload_sha, found.payload_sha],
      ["units", account?.units ?? null, found.units],
      ["transaction_id", account?.transactionId ?? null, found.transaction_id],
      ["approval", start?.approval_sha256, found.approval?.sha256],
      ["review_decision_id", start?.review_decision_id, found.approval?.review_decision_id],
      ["signer", start?.signer, found.approval?.signer],
      ["backup", account?.backupSha256 ?? null, found.backup?.ciphertext_sha256 ?? null],
    ],
  };
}

const toDifferent = (pairs: readonly Pair[]): readonly string[] =>
  pairs.filter(([, wanted, found]) => !isDeepStrictEqual(wanted, found)).map(([field]) => field);

/** Of the last start that has an end: it is written behind the journal's word, so without one there is none. */
export function checkRevertOutcome({ files }: RunBundle, { records }: ReadRevert): readonly AuditFinding[] {
  const file = revertOutcomeName;
  const bytes = files.get(file);
  const end = records.findLastIndex(({ entry }) => entry.kind === "attempt_ended");
  const ended = end === records.length - 1 && end >= 0;
  if (bytes === undefined) return ended ? [auditFinding("file_missing", "absent", { file })] : [];
  if (end < 0) return [auditFinding("outcome_differs", "no start of the revert's journal has an end that it could tell", { file })];
  const parsed = outcomeSchema.safeParse(tryParseJson(bytes));
  if (!parsed.success) return [auditFinding("outcome_differs", "it is no outcome of a revert", { file })];
  const upToEnd = records.slice(0, end + 1);
  const { account, pairs } = toTold(upToEnd);
  const code = account?.code ?? null;
  const { data } = parsed;
  const different = toDifferent([
    ...pairs(data),
    ["code", code, data.code],
    ["exit_code", code === null, data.exit_code === 0],
    ["reverted_at", account?.revertedAt ?? null, data.reverted_at],
    ["result", true, toResults(upToEnd, code).includes(data.result)],
    ...(code === null ? toTablePairs(account, data.differences) : []),
  ]);
  return different.length === 0
    ? []
    : [auditFinding("outcome_differs", "it tells another end than the revert's journal", { file, facts: { fields: different } })];
}

function toResults(records: readonly RevertRecord[], code: string | null): readonly string[] {
  if (code !== null) return ["waiting", "stopped"];
  const start = records.findLastIndex(({ entry }) => entry.kind === "attempt_started");
  const reverted = records.findLast(({ entry }) => entry.kind === "reverted");
  if (reverted?.entry.kind !== "reverted") return [];
  return [reverted.seq > start && reverted.entry.found === "committed" ? "reverted" : "already_reverted"];
}

/** None where the journal of an older release did not write them down. */
function toTablePairs(account: RevertAccount | null, found: z.infer<typeof differences>): readonly Pair[] {
  if (account === null || account.tables.length === 0) return [];
  const listed = found.map(({ table, rowsOfRun, restRows, rest }) => ({ table, rowsOfRun, restRows, rest }));
  return [["differences", account.tables, listed]];
}

/**
 * Written once another login has looked, and stored after that: a receipt vouches for its bytes, its record for the journal up to what
 * that login saw. Without a receipt it waits for the knowledge base, or its start was killed.
 */
export function checkRevertDocument({ files }: RunBundle, journal: ReadRevert, releaseSha256: string | null): readonly AuditFinding[] {
  const { records, hashes } = journal;
  const file = revertDocumentName;
  const bytes = files.get(file);
  const receipt = toRevertAccount(records)?.receipt ?? null;
  if (bytes === undefined) return receipt === null ? [] : [auditFinding("receipt_differs", "absent", { file })];
  const differs =
    receipt === null || sha256Hex(bytes) === receipt.sha256
      ? []
      : [auditFinding("receipt_differs", "another digest than the receipt's", { file })];
  const record = recordSchema.safeParse(readRecordBlock(Buffer.from(bytes).toString("utf8")));
  if (!record.success) return [...differs, auditFinding("document_differs", "it carries no record of a revert", { file })];
  const { data } = record;
  const { seq, head } = data.journal;
  if (records[seq]?.entry.kind !== "verified" || hashes[seq] !== head)
    return [
      ...differs,
      auditFinding("witness_differs", "it witnesses another journal of the revert: not the record by which another login saw it", {
        file,
        facts: { witnessed_record: seq, expected_head: head, found_head: hashes[seq] ?? null },
      }),
    ];
  const { account, start, pairs } = toTold(records.slice(0, seq + 1));
  const different = toDifferent([
    ...pairs(data),
    ["runbook_sha256", start?.runbook_sha256, data.runbook_sha256],
    ...toTablePairs(account, data.differences),
  ]);
  if (different.length > 0)
    return [
      ...differs,
      auditFinding("document_differs", "its record and the revert's journal differ", { file, facts: { fields: different } }),
    ];
  return start?.release_sha256 !== releaseSha256 || toDocumentAt(journal, seq) === Buffer.from(bytes).toString("utf8")
    ? differs
    : [...differs, auditFinding("document_differs", "it is not the document of this journal", { file })];
}

/** The document made again from the journal up to this record; only the release that wrote it words it so. */
function toDocumentAt({ records, hashes }: ReadRevert, seq: number): string {
  const upTo = records.slice(0, seq + 1);
  const { account, start, own } = toTold(upTo);
  const made = upTo.map(({ entry }) => entry).findLast((entry) => entry.kind === "backup_made") ?? null;
  return toRevertDocument({
    outcome: {
      run_id: own?.run_id ?? "",
      document_id: own?.document_id ?? null,
      payload_sha: own?.payload_sha ?? null,
      units: account?.units ?? null,
      reverted_at: account?.revertedAt ?? null,
      transaction_id: account?.transactionId ?? null,
      approval:
        start === null ? null : { sha256: start.approval_sha256, review_decision_id: start.review_decision_id, signer: start.signer },
      backup:
        made === null ? null : { file: made.name, ciphertext_sha256: made.ciphertext_sha256, ciphertext_bytes: made.ciphertext_bytes },
      differences: (account?.tables ?? []).map(({ table, rowsOfRun, restRows, rest }) => ({
        table,
        rowsOfRun,
        kept: toWhyKept(table, rowsOfRun),
        rest,
        restRows,
      })),
    },
    kbRunsFolder: "",
    runbookSha256: start?.runbook_sha256 ?? "",
    journal: { seq, head: hashes[seq] ?? "" },
  }).body;
}

/** What of the revert's wording cannot be compared, since another release wrote it. */
export function toWordingNotes({ files }: RunBundle, { records }: ReadRevert, releaseSha256: string | null): readonly string[] {
  const releases = records.flatMap(({ entry }) => (entry.kind === "attempt_started" ? [entry.release_sha256] : []));
  return !files.has(revertDocumentName) || releases.every((release) => release === releaseSha256)
    ? []
    : [`wording not compared, the revert is of another release (manifest sha256 ${releases.at(-1) ?? "none"}): ${revertDocumentName}`];
}
