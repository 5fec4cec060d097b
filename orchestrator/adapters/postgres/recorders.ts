// Recorders over node-postgres: what a run has left in the database, read by the read-only login after waiting for the document's writers.
import { CutterError } from "../../core/errors.ts";
import type { Recorders } from "../../ports/recorders.ts";
import { openReadConnection, type ReadConnection, type ReadTransaction, type TransactionLimits } from "./connection.ts";
import { lockDocument } from "./session-lock.ts";
import { openEvidence, type EvidenceLogs } from "./evidence.ts";
import { toDocumentClaim, toDecision, toEnacted, toLegB, toUnit, toVerifyResult } from "./recorder-rows.ts";
import type { DatabaseSettings } from "./settings.ts";

const connectTimeoutMs = 10_000;
const reading: TransactionLimits = { lockTimeoutMs: 60_000, statementTimeoutMs: 600_000, idleTimeoutMs: 60_000, deadlineMs: 1_800_000 };
const bodiesPerPage = 1_000;

export interface RecorderOptions {
  readonly evidence?: EvidenceLogs; // shared with the run's other readers
  readonly limits?: TransactionLimits; // the lock's is how long a recorder waits for a writer
}

/** Opens nothing yet. `hostIdentity` and the run id name the session that holds a document's lock. */
export function openRecorders(
  settings: DatabaseSettings,
  hostIdentity: string | null,
  { evidence: logs = openEvidence(), limits = reading }: RecorderOptions = {},
): Recorders & { close(): Promise<void> } {
  const login = settings.logins.context_pack_readonly;
  const evidence = logs.of("context_pack_readonly");
  let opened: Promise<ReadConnection> | null = null;
  const read = async <Result>(work: (transaction: ReadTransaction) => Promise<Result>): Promise<Result> => {
    opened ??= openReadConnection(login, evidence, connectTimeoutMs);
    const mine = opened;
    const forget = (): void => {
      if (opened === mine) opened = null;
    };
    mine.then((open) => open.lost.then(forget), forget);
    return (await mine).read(limits, work);
  };
  /** Two transactions: a snapshot taken before the wait would not show what was waited for. */
  const readAfterWriters = async <Result>(documentId: string, work: (transaction: ReadTransaction) => Promise<Result>): Promise<Result> => {
    await read((transaction) => transaction.query("locks/document-transaction.sql", [documentId])).catch((error: unknown) => {
      if (error instanceof CutterError && error.code === "DATABASE_LOCKED")
        throw new CutterError("DATABASE_LOCKED", { reason: "document", document_id: documentId, waited_ms: limits.lockTimeoutMs });
      throw error;
    });
    return read(work);
  };
  return {
    readDecisions: (documentId, sourceDocumentId, runId) =>
      readAfterWriters(documentId, async (transaction) =>
        (await transaction.query("recorders/decisions.sql", [sourceDocumentId, runId])).map(toDecision),
      ),
    readClaims: (documentId, sourceDocumentId, exceptRunId) =>
      readAfterWriters(documentId, async (transaction) =>
        (await transaction.query("recorders/claims.sql", [sourceDocumentId, exceptRunId])).map(toDocumentClaim),
      ),
    readUnits: (documentId, runId) =>
      readAfterWriters(documentId, async (transaction) =>
        (await transaction.query("recorders/units.sql", [documentId, runId])).map(toUnit),
      ),
    readAddresses: (documentId, addresses) =>
      readAfterWriters(documentId, async (transaction) =>
        (await transaction.query<{ address: string; created_by_run: string }>("recorders/addresses.sql", [addresses])).map((row) => ({
          address: row.address,
          createdByRun: row.created_by_run,
        })),
      ),
    readBodies: (documentId, runId, take) =>
      readAfterWriters(documentId, (transaction) => readBodies(transaction, documentId, runId, take)),
    readLegB: (documentId, sourceDocumentId, runId) =>
      readAfterWriters(documentId, async (transaction) =>
        toLegB((await transaction.query("recorders/leg-b.sql", [sourceDocumentId, runId]))[0], documentId),
      ),
    readVerifyResult: (documentId, changeSetId, runId) =>
      readAfterWriters(documentId, async (transaction) =>
        toVerifyResult((await transaction.query("recorders/verify-result.sql", [changeSetId, runId]))[0], documentId),
      ),
    readEnacted: (documentId, runId) =>
      readAfterWriters(documentId, async (transaction) =>
        (await transaction.query("recorders/enacted.sql", [documentId, runId])).map(toEnacted),
      ),
    readTransactionStatus: (transactionId) =>
      read(async (transaction) => {
        const [row] = await transaction
          .query<{ status: "committed" | "aborted" | "in progress" | null }>("recorders/transaction-status.sql", [transactionId])
          .catch((error: unknown) => {
            // an id the server has never given, or has forgotten long ago
            if (error instanceof CutterError && error.code === "DATABASE_QUERY_FAILED") return [];
            throw error;
          });
        return row?.status ?? "unknown";
      }),
    lockDocument: (documentId, runId) => lockDocument(login, { documentId, runId, hostIdentity }, evidence),
    close: async () => {
      await (await opened?.catch(() => null))?.close();
    },
  };
}

/** By ordinals, a page at a time, all in one snapshot. @returns the number of bodies */
async function readBodies(
  transaction: ReadTransaction,
  documentId: string,
  runId: string,
  take: (ordinal: number, body: Uint8Array) => void,
): Promise<number> {
  let bodies = 0;
  for (let first = 0; ; first += bodiesPerPage) {
    const rows = await transaction.query<{ ordinal: number; body: string }>("recorders/bodies.sql", [
      documentId,
      runId,
      String(first),
      String(first + bodiesPerPage),
    ]);
    for (const { ordinal, body } of rows) take(ordinal, Buffer.from(body, "utf8"));
    bodies += rows.length;
    if (rows.length === 0) return bodies;
  }
}
