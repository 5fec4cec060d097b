// WriteDatabase over node-postgres: one method per step, each one transaction by the step's own login.
import { z } from "zod";
import { CutterError } from "../../core/errors.ts";
import type { DocumentDigest, LoginName } from "../../ports/database.ts";
import type { WritePermission } from "../../ports/permission.ts";
import type { CreateUnits, EnactUnits, LegBRecord, ReviewDecisionRow, VerifyResultRow, WriteDatabase } from "../../ports/write-database.ts";
import { openSameServer, type SameServer } from "./same-server.ts";
import type { DatabaseSettings } from "./settings.ts";
import { writeOnce, type WriteLimits, type WriteTransaction } from "./write-transaction.ts";

const quick: WriteLimits = {
  connectTimeoutMs: 10_000,
  lockTimeoutMs: 30_000,
  statementTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  transactionTimeoutMs: 120_000,
  commitTimeoutMs: 60_000,
};
/** 100,000 units take a minute or so; between the last call and COMMIT the digest is read again. */
const large: WriteLimits = {
  connectTimeoutMs: 10_000,
  lockTimeoutMs: 30_000,
  statementTimeoutMs: 600_000,
  idleTimeoutMs: 600_000,
  transactionTimeoutMs: 1_800_000,
  commitTimeoutMs: 120_000,
};
const unitsPerStatement = 500;
const charactersPerStatement = 8_000_000; // a JSON text the server takes in one piece

/** The read-only login's digest of a document, as leg A compares it: our own uncommitted rows are not in it. */
export type ReadDigest = (documentId: string, plannedAddresses: readonly string[]) => Promise<DocumentDigest>;

export interface WriteOptions {
  readonly sameServer?: SameServer; // shared with the run's readers
  readonly limits?: { readonly quick: WriteLimits; readonly large: WriteLimits };
}

/** Opens nothing yet; every method opens its own connection and closes it. */
export function openWriteDatabase(
  settings: DatabaseSettings,
  readDigest: ReadDigest,
  { sameServer = openSameServer(), limits = { quick, large } }: WriteOptions = {},
): WriteDatabase {
  const write = (
    login: LoginName,
    size: keyof typeof limits,
    permission: WritePermission,
    documentId: string,
    work: (transaction: WriteTransaction) => Promise<void>,
  ): Promise<void> => {
    const loginSettings = settings.logins[login];
    if (loginSettings === null) return Promise.reject(new CutterError("DATABASE_LOGIN_UNSET", { login }));
    return writeOnce({ settings: loginSettings, login, sameServer }, limits[size], permission, documentId, work);
  };
  return {
    insertReviewDecision: (permission, documentId, row) =>
      write("governance", "quick", permission, documentId, (transaction) => insertDecision(transaction, row)),
    createUnits: (permission, request) =>
      write("cutter_exec", "large", permission, request.documentId, (transaction) => createUnits(transaction, request, readDigest)),
    recordLegB: (permission, record) =>
      write("governance", "quick", permission, record.documentId, (transaction) => recordLegB(transaction, record)),
    insertVerifyResult: (permission, row) =>
      write("cutter_verify", "quick", permission, row.documentId, (transaction) => insertVerifyResult(transaction, row)),
    enactUnits: (permission, request) =>
      write("cutter_exec", "large", permission, request.documentId, (transaction) => enactUnits(transaction, request)),
    close: () => Promise.resolve(),
  };
}

async function insertDecision(transaction: WriteTransaction, row: ReviewDecisionRow): Promise<void> {
  const values = [
    row.id,
    row.sourceDocumentId,
    row.phase,
    row.gate,
    row.runId,
    row.decision,
    row.payloadSha,
    row.approvalKbId,
    row.approvalSha256,
  ];
  await transaction.insert("phases/review_decision/insert.sql", values).catch((error: unknown) => {
    if (error instanceof CutterError && error.facts["constraint"] === "review_decision_pkey")
      throw new CutterError("APPROVAL_UUID_REUSED", { reason: "spent", gate: row.gate, review_decision_id: row.id });
    throw error; // that a decision of this run, document and phase stands already is a constraint of the table too
  });
}

/** from_digest twice under the document's lock: what moved before this transaction, and what moved while it worked. */
async function createUnits(transaction: WriteTransaction, request: CreateUnits, readDigest: ReadDigest): Promise<void> {
  await compareDigest(request, readDigest, "before the first unit");
  const units = request.units.map((unit) => ({ ...unit, runId: request.runId, reviewDecisionId: request.reviewDecisionId }));
  await callEach(transaction, "phases/cut_leg_a/create-units.sql", "cut_leg_a", units);
  await compareDigest(request, readDigest, "before COMMIT");
}

async function compareDigest(
  { documentId, plannedAddresses, fromDigest }: CreateUnits,
  readDigest: ReadDigest,
  when: string,
): Promise<void> {
  const found = await readDigest(documentId, plannedAddresses);
  if (found.sha256 !== fromDigest) throw new CutterError("ROWS_MOVED", { from_digest: fromDigest, found: found.sha256, when });
}

async function enactUnits(transaction: WriteTransaction, request: EnactUnits): Promise<void> {
  await callEach(
    transaction,
    "phases/lifecycle_enact/enact-units.sql",
    "lifecycle_enact",
    request.units.map((unit) => ({ ...unit, runId: request.runId })),
  );
}

const answerRow = z.strictObject({
  position: z.int(),
  answer: z.looseObject({ refused: z.boolean(), reason: z.string().optional(), duplicate: z.boolean().optional() }),
});

/**
 * Every answer is read: one call, one row made. A duplicate is no success here: whoever calls has just proven that nothing of the run is
 * there.
 */
async function callEach(
  transaction: WriteTransaction,
  statement: string,
  step: string,
  units: readonly { readonly address: string }[],
): Promise<void> {
  let answered = 0;
  for (const batch of toBatches(units)) {
    const rows = z.array(answerRow).parse(await transaction.query(statement, [`[${batch.map(({ json }) => json).join(",")}]`]));
    for (const { position, answer } of rows) {
      const address = batch[position - 1]?.address ?? "";
      if (answer.refused) throw new CutterError("EFFECT_REFUSED", { step, address, reason: answer.reason ?? "none given" });
      if (answer.duplicate !== false) throw new CutterError("EFFECT_REFUSED", { step, address, reason: "duplicate" });
    }
    answered += rows.length;
  }
  if (answered !== units.length) throw new CutterError("EFFECT_COUNT_WRONG", { step, expected: units.length, found: answered });
}

interface Call {
  readonly address: string;
  readonly json: string;
}

/**
 * In the order given, as many to a statement as both bounds allow, made one after the other so that not all of them lie in memory twice.
 */
function* toBatches(units: readonly { readonly address: string }[]): Generator<readonly Call[]> {
  let batch: Call[] = [];
  let characters = 0;
  for (const unit of units) {
    const call = { address: unit.address, json: JSON.stringify(unit) };
    if (batch.length > 0 && (batch.length === unitsPerStatement || characters + call.json.length > charactersPerStatement)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(call);
    characters += call.json.length;
  }
  if (batch.length > 0) yield batch;
}

async function recordLegB(transaction: WriteTransaction, record: LegBRecord): Promise<void> {
  const { runId } = record;
  const values = [
    record.sourceDocumentId,
    record.sourceVersionId,
    runId,
    record.reviewDecisionId,
    record.payloadSha,
    record.fromDigest,
    record.toDigest,
    record.unitCount,
  ];
  const [changeSet] = await transaction.query<{ id: string }>("phases/leg_b_record/insert-change-set.sql", values);
  if (changeSet === undefined) throw new CutterError("EFFECT_COUNT_WRONG", { step: "leg_b_record", expected: 1, found: 0 });
  await transaction.insert("phases/leg_b_record/insert-envelope.sql", [changeSet.id, runId, record.manifest, record.manifestSha256]);
  for (const signature of record.signatures) {
    await transaction.insert("phases/leg_b_record/insert-signature.sql", [
      changeSet.id,
      runId,
      signature.signerRole,
      signature.keyFingerprint,
      signature.signatureSha256,
      signature.approvalKbId,
    ]);
  }
}

async function insertVerifyResult(transaction: WriteTransaction, row: VerifyResultRow): Promise<void> {
  await transaction.insert("phases/write_verify/insert.sql", [row.changeSetId, row.runId, row.verdict, row.unitsChecked, row.toDigest]);
}
