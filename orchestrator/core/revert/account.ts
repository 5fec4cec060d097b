// What the journal of a revert says of it: whether the run is taken back, when, by whose approval, and what stood in each table
// afterwards. For everybody who tells of a run. Pure.
import type { RevertRecord } from "./journal.ts";

export interface RevertAccount {
  /** `begun`: its last start has not said how it ended: it is going on, or it was killed. */
  readonly state: "reverted" | "stopped" | "begun";
  readonly revertedAt: string | null; // ISO 8601 UTC
  readonly found: "committed" | "already_there" | null;
  readonly units: number | null; // retired by it
  readonly transactionId: string | null;
  readonly openTransaction: string | null; // whether it committed, the journal does not know
  readonly verifiedAt: string | null; // when another login last saw the units retired
  readonly tables: readonly RevertedTable[]; // as counted then; empty: a release that did not count
  /** Of the start that reverted, or of the last one. */
  readonly approval: {
    readonly sha256: string;
    readonly reviewDecisionId: string;
    readonly signer: string; // fingerprint
    readonly verifiedAt: string;
  } | null;
  readonly runbookSha256: string | null;
  readonly backupSha256: string | null;
  readonly receipt: { readonly documentId: string; readonly revision: number; readonly sha256: string } | null;
  readonly code: string | null; // how its last start ended
  readonly complete: boolean; // reverted, told to the knowledge base, and its last start ended
}

interface RevertedTable {
  readonly table: string;
  readonly rowsOfRun: number; // rows of the run that stay
  readonly restRows: number; // rows of others
  readonly rest: "equal" | "changed" | "unknown"; // the others', against before the cut
}

/** Null where no revert ever began. */
export function toRevertAccount(records: readonly RevertRecord[]): RevertAccount | null {
  if (records.length === 0) return null;
  const reverted = entryOf(records, "reverted");
  const seqOfRevert = reverted?.seq ?? Infinity;
  const attempt = records.findLast(({ seq, entry }) => entry.kind === "attempt_started" && seq < seqOfRevert);
  const verified = entryOf(records, "verified");
  const receipt = entryOf(records, "receipt");
  const end = records.at(-1);
  const transaction = entryOf(records, "transaction");
  const settled = records.some(({ seq, entry }) => seq > (transaction?.seq ?? -1) && ["rolled_back", "reverted"].includes(entry.kind));
  return {
    state: reverted !== null ? "reverted" : end?.entry.kind === "attempt_ended" ? "stopped" : "begun",
    revertedAt: reverted?.at ?? null,
    found: reverted?.entry.found ?? null,
    units: reverted?.entry.units ?? null,
    transactionId: transaction?.entry.id ?? null,
    openTransaction: transaction === null || settled ? null : transaction.entry.id,
    verifiedAt: verified?.at ?? null,
    tables: (verified?.entry.tables ?? []).map(({ table, rows_of_run, rest_rows, rest }) => ({
      table,
      rowsOfRun: rows_of_run,
      restRows: rest_rows,
      rest,
    })),
    approval:
      attempt?.entry.kind === "attempt_started"
        ? {
            sha256: attempt.entry.approval_sha256,
            reviewDecisionId: attempt.entry.review_decision_id,
            signer: attempt.entry.signer,
            verifiedAt: attempt.at,
          }
        : null,
    runbookSha256: attempt?.entry.kind === "attempt_started" ? attempt.entry.runbook_sha256 : null,
    backupSha256: entryOf(records, "backup_made")?.entry.ciphertext_sha256 ?? null,
    receipt:
      receipt === null ? null : { documentId: receipt.entry.document_id, revision: receipt.entry.revision, sha256: receipt.entry.sha256 },
    code: end?.entry.kind === "attempt_ended" ? end.entry.code : null,
    complete: reverted !== null && receipt !== null && end?.entry.kind === "attempt_ended",
  };
}

type Kind = RevertRecord["entry"]["kind"];
type Of<K extends Kind> = Omit<RevertRecord, "entry"> & { readonly entry: Extract<RevertRecord["entry"], { readonly kind: K }> };

/** The last of its kind. */
function entryOf<K extends Kind>(records: readonly RevertRecord[], kind: K): Of<K> | null {
  return records.findLast((record): record is Of<K> => record.entry.kind === kind) ?? null;
}
