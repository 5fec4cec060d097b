// The journal of a revert: the same chain of lines as a run's, with what a revert has to say. Pure.
import { z } from "zod";
import { CutterError } from "../errors.ts";
import { chainSchema, type CutTail } from "../journal/record.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]));

const entrySchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("revert_started"), run_id: z.string(), document_id: z.string(), payload_sha: sha256 }),
  z.strictObject({
    kind: z.literal("attempt_started"),
    attempt: z.int(),
    pid: z.int(),
    boot_id: z.string(),
    approval_sha256: sha256,
    review_decision_id: z.string(),
    signer: z.string(),
    runbook_sha256: sha256,
    release_sha256: sha256,
    host_identity: sha256,
  }),
  z.strictObject({
    kind: z.literal("approval_uploaded"),
    document_id: z.string(),
    revision: z.int(),
    sha256,
    signature_id: z.string(),
    signature_sha256: sha256,
  }),
  z.strictObject({ kind: z.literal("rows_compared"), units: z.int(), digest: sha256, effect: z.enum(["equal", "not recorded"]) }),
  z.strictObject({
    kind: z.literal("backup_made"),
    name: z.string(),
    ciphertext_sha256: sha256,
    ciphertext_bytes: z.int(),
    plaintext_sha256: sha256,
  }),
  z.strictObject({ kind: z.literal("transaction"), id: z.string() }),
  z.strictObject({ kind: z.literal("rolled_back") }),
  z.strictObject({ kind: z.literal("reverted"), units: z.int(), found: z.enum(["committed", "already_there"]) }),
  z.strictObject({
    kind: z.literal("verified"),
    units: z.int(),
    tables_equal: z.int(),
    tables_not_equal: z.array(z.string()),
    // Left out by journals of releases that counted and did not write it down.
    tables: z
      .array(
        z.strictObject({
          table: z.string(),
          rows_of_run: z.int(),
          rest_rows: z.int(),
          rest: z.enum(["equal", "changed", "unknown"]),
        }),
      )
      .optional(),
  }),
  z.strictObject({ kind: z.literal("receipt"), document_id: z.string(), revision: z.int(), sha256 }),
  z.strictObject({ kind: z.literal("attempt_ended"), attempt: z.int(), code: z.string().nullable(), facts }),
]);

export type RevertEntry = z.infer<typeof entrySchema>;

export interface RevertRecord {
  readonly seq: number;
  readonly at: string; // ISO 8601 UTC
  readonly prev: string;
  readonly cut?: CutTail | undefined; // as in a run's journal
  readonly entry: RevertEntry;
}

/** Null when it is no record of a revert. Pure. */
export function parseRevertRecord(value: unknown): RevertRecord | null {
  const chained = chainSchema.safeParse(value);
  if (!chained.success) return null;
  const { seq, at, prev, cut, ...rest } = chained.data;
  const entry = entrySchema.safeParse(rest);
  return entry.success ? { seq, at, prev, ...(cut === undefined ? {} : { cut }), entry: entry.data } : null;
}

export interface RevertStatus {
  readonly started: Extract<RevertEntry, { kind: "revert_started" }> | null;
  readonly attempt: number;
  readonly attemptOpen: boolean;
  /** A transaction whose end the journal does not know: the crash window. */
  readonly openTransaction: string | null;
  readonly transactionId: string | null; // the last one told of
  readonly reverted: (Extract<RevertEntry, { kind: "reverted" }> & { readonly at: string }) | null;
  readonly backup: Extract<RevertEntry, { kind: "backup_made" }> | null;
  readonly receipt: Extract<RevertEntry, { kind: "receipt" }> | null;
}

export const newRevert: RevertStatus = {
  started: null,
  attempt: 0,
  attemptOpen: false,
  openTransaction: null,
  transactionId: null,
  reverted: null,
  backup: null,
  receipt: null,
};

/** The status after one more record. @throws JOURNAL_DAMAGED for a record that cannot follow. Pure. */
export function nextRevertStatus(status: RevertStatus, { seq, at, cut, entry }: RevertRecord): RevertStatus {
  const require = (holds: boolean): void => {
    if (!holds) throw new CutterError("JOURNAL_DAMAGED", { reason: "illegal_record", seq, record: entry.kind });
  };
  require((entry.kind === "revert_started") === (status.started === null));
  require(cut === undefined || entry.kind === "revert_started" || entry.kind === "attempt_started");
  if (entry.kind !== "revert_started" && entry.kind !== "attempt_started") require(status.attemptOpen);
  switch (entry.kind) {
    case "revert_started":
      return { ...status, started: entry };
    case "attempt_started":
      require(entry.attempt === status.attempt + 1);
      return { ...status, attempt: entry.attempt, attemptOpen: true };
    case "approval_uploaded":
      return status;
    case "rows_compared":
    case "verified":
      require(entry.kind === "rows_compared" || status.reverted !== null);
      return status;
    case "backup_made":
      return { ...status, backup: entry };
    case "transaction":
      require(status.backup !== null);
      return { ...status, openTransaction: entry.id, transactionId: entry.id };
    case "rolled_back":
      require(status.openTransaction !== null);
      return { ...status, openTransaction: null };
    case "reverted":
      require(entry.found === "already_there" || status.openTransaction !== null);
      return { ...status, openTransaction: null, reverted: { ...entry, at } };
    case "receipt":
      require(status.reverted !== null);
      return { ...status, receipt: entry };
    case "attempt_ended":
      require(entry.attempt === status.attempt);
      return { ...status, attemptOpen: false };
  }
}
