// One write transaction of one login: its own connection, limits and durability set, the document's lock first, COMMIT with its tag. Rolled
// back on anything else.
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { CutterError } from "../../core/errors.ts";
import type { WritePermission } from "../../ports/permission.ts";
import { isOutcomeUnknown, toDatabaseError } from "./database-error.ts";
import { type LastAnswer, requiredSettingNames, requireSettingsStill } from "./required-settings.ts";
import type { SameServer } from "./same-server.ts";
import type { LoginSettings } from "./settings.ts";
import { readSql } from "./sql-files.ts";
import { openWriteConnection, type WriteConnection } from "./write-connection.ts";

/**
 * Limits of a write. The server's own end of a transaction exists from version 17; before that the line is cut, and the server, looking for
 * its client, ends it.
 */
export interface WriteLimits {
  readonly connectTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  readonly commitTimeoutMs: number; // for COMMIT's answer
}

const rollbackTimeoutMs = 5_000;
/** The server's own limit comes first where it has one, because it says why. */
const afterTheServerMs = 2_000;

type Parameter = string | number | null | readonly string[];

export interface WriteTransaction {
  query<Row extends Record<string, unknown>>(statement: string, values: readonly Parameter[]): Promise<readonly Row[]>;
  /** One row, no more and no less: a trigger can swallow an insert without a word. @throws EFFECT_COUNT_WRONG */
  insert(statement: string, values: readonly Parameter[]): Promise<void>;
}

/** Whose transaction it is, and where the run's other sessions are. */
export interface Writer {
  readonly settings: LoginSettings;
  readonly login: string;
  readonly sameServer: SameServer;
}

/**
 * @throws DATABASE_LOCKED, EFFECT_REFUSED (a constraint), DATABASE_*, and what `work` or `permission.beforeCommit` throws: all rolled back;
 * COMMIT_OUTCOME_UNKNOWN when COMMIT was sent and no answer came
 */
export async function writeOnce(
  { settings, login, sameServer }: Writer,
  limits: WriteLimits,
  permission: WritePermission,
  documentId: string,
  work: (transaction: WriteTransaction) => Promise<void>,
): Promise<void> {
  const connection = await openWriteConnection(settings, login, limits.connectTimeoutMs, sameServer);
  try {
    const transactionId = await connection.within(limits.transactionTimeoutMs + afterTheServerMs, () =>
      untilCommit(connection, login, limits, permission, documentId, work),
    );
    await connection.within(limits.commitTimeoutMs, () => commit(connection, login, permission, transactionId));
  } catch (error) {
    // when the line is gone the server does the same
    await connection.within(rollbackTimeoutMs, () => connection.query("rollback")).catch(() => undefined);
    throw error;
  } finally {
    await connection.close();
  }
}

/** Everything but COMMIT, in the order that exactly-once needs. @returns the transaction's id */
async function untilCommit(
  connection: WriteConnection,
  login: string,
  limits: WriteLimits,
  permission: WritePermission,
  documentId: string,
  work: (transaction: WriteTransaction) => Promise<void>,
): Promise<string> {
  const transaction = toTransaction(connection, permission.step);
  await connection.ask("begin", "begin isolation level read committed read write");
  await transaction.query(
    "write-settings.sql",
    [limits.lockTimeoutMs, limits.statementTimeoutMs, limits.idleTimeoutMs, limits.transactionTimeoutMs].map(String),
  );
  await takeTransactionLock(transaction, documentId);
  await work(transaction);
  await transaction.query("settle-constraints.sql", []); // what is deferred refuses now, not in COMMIT
  const [row] = await transaction.query<LastAnswer<string>>("current-transaction-id.sql", [requiredSettingNames]);
  if (row === undefined) throw new Error("a transaction without an id");
  requireSettingsStill(row.settings, login);
  await permission.beforeCommit(row.id);
  return row.id;
}

function toTransaction(connection: WriteConnection, step: string): WriteTransaction {
  const run = (statement: string, values: readonly Parameter[]) =>
    connection.ask(statement, readSql(statement), values).catch((error: unknown) => {
      throw toRefusal(error, step);
    });
  return {
    query: async <Row extends Record<string, unknown>>(statement: string, values: readonly Parameter[]) =>
      (await run(statement, values)).rows as readonly Row[],
    insert: async (statement, values) => {
      const { rowCount } = await run(statement, values);
      if (rowCount !== 1) throw new CutterError("EFFECT_COUNT_WRONG", { step, statement, expected: 1, found: rowCount });
    },
  };
}

/** A constraint's no is the table's own refusal; anything else stays what it is. */
function toRefusal(error: unknown, step: string): unknown {
  const isConstraint =
    error instanceof CutterError && error.code === "DATABASE_QUERY_FAILED" && String(error.facts["sqlstate"]).startsWith("23");
  return isConstraint ? new CutterError("EFFECT_REFUSED", { step, reason: "a constraint of the table", ...error.facts }) : error;
}

async function takeTransactionLock(transaction: WriteTransaction, documentId: string): Promise<void> {
  await transaction.query("locks/document-transaction.sql", [documentId]).catch((error: unknown) => {
    if (error instanceof CutterError && error.code === "DATABASE_LOCKED")
      throw new CutterError("DATABASE_LOCKED", { reason: "document", document_id: documentId });
    throw error;
  });
}

async function commit(connection: WriteConnection, login: string, permission: WritePermission, transactionId: string): Promise<void> {
  await turnOfTheLoop(); // what the server has said by now is heard first
  const lost = connection.lost();
  if (lost !== null) throw lost; // nothing was sent
  const { command } = await connection.query("commit").catch((error: unknown) => {
    if (isOutcomeUnknown(error))
      throw new CutterError("COMMIT_OUTCOME_UNKNOWN", { run_id: permission.runId, step: permission.step, transaction_id: transactionId });
    throw toRefusal(toDatabaseError(error, { login, statement: "commit" }), permission.step);
  });
  // COMMIT of an aborted transaction "succeeds" with the tag ROLLBACK.
  if (command !== "COMMIT") throw new CutterError("DATABASE_COMMIT_REFUSED", { login, tag: command });
}
