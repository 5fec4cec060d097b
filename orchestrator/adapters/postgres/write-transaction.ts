// One write transaction of one login: its own connection, limits and durability set, the document's lock first, COMMIT with its tag. Rolled back on anything else.
import type { Client } from "pg";
import { CutterError } from "../../core/errors.ts";
import type { WritePermission } from "../../ports/permission.ts";
import { openClient } from "./connection.ts";
import { toDatabaseError, toSqlState } from "./database-error.ts";
import type { LoginSettings } from "./settings.ts";
import { readSql } from "./sql-files.ts";

/** Limits of a write. The server's own end of a transaction exists from version 17; before that the line is cut, and the server, looking for its client, ends it. */
export interface WriteLimits {
  readonly connectTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly transactionTimeoutMs: number;
}

export type Parameter = string | number | null;

export interface WriteTransaction {
  query<Row extends Record<string, unknown>>(statement: string, values: readonly Parameter[]): Promise<readonly Row[]>;
}

/**
 * @throws DOCUMENT_BUSY, DATABASE_*, and what `work` or `permission.beforeCommit` throws: all rolled back;
 * COMMIT_OUTCOME_UNKNOWN when COMMIT was sent and no answer came
 */
export async function writeOnce(settings: LoginSettings, login: string, limits: WriteLimits, permission: WritePermission, documentId: string, work: (transaction: WriteTransaction) => Promise<void>): Promise<void> {
  const { client, cut } = await openClient(settings, login, limits.connectTimeoutMs);
  const deadline = setTimeout(cut, limits.transactionTimeoutMs);
  const writer = toWriter(client, login);
  try {
    await writer.command("begin isolation level read committed read write");
    await writer.query("write-settings.sql", [limits.lockTimeoutMs, limits.statementTimeoutMs, limits.idleTimeoutMs, limits.transactionTimeoutMs].map(String));
    await lockDocument(writer, documentId);
    await work(writer);
    const [row] = await writer.query<{ id: string }>("current-transaction-id.sql", []);
    const transactionId = row?.id ?? "none";
    await permission.beforeCommit(transactionId);
    await commit(client, login, permission, transactionId);
  } catch (error) {
    await client.query("rollback").catch(() => undefined); // when the line is gone the server does the same
    throw error;
  } finally {
    clearTimeout(deadline);
    await client.end().catch(() => undefined);
  }
}

interface Writer extends WriteTransaction {
  command(text: string): Promise<void>;
}

function toWriter(client: Client, login: string): Writer {
  const tell = (statement: string) => (error: unknown): never => {
    throw toDatabaseError(error, { login, statement });
  };
  return {
    query: async <Row extends Record<string, unknown>>(statement: string, values: readonly Parameter[]) => (await client.query<Row>({ text: readSql(statement), values: [...values] }).catch(tell(statement))).rows,
    command: async (text) => void (await client.query(text).catch(tell(text))),
  };
}

async function lockDocument(writer: Writer, documentId: string): Promise<void> {
  await writer.query("locks/document-transaction.sql", [documentId]).catch((error: unknown) => {
    if (error instanceof CutterError && error.code === "DATABASE_LOCKED") throw new CutterError("DOCUMENT_BUSY", { document_id: documentId });
    throw error;
  });
}

/** Once COMMIT was sent, only an error of the server's that is a plain refusal means a rollback: a broken line or a server going down leaves it open. */
async function commit(client: Client, login: string, permission: WritePermission, transactionId: string): Promise<void> {
  const { command } = await client.query("commit").catch((error: unknown) => {
    const sqlState = toSqlState(error);
    if (sqlState === null || /^(?:08|57P)/.test(sqlState)) throw new CutterError("COMMIT_OUTCOME_UNKNOWN", { run_id: permission.runId, step: permission.step, transaction_id: transactionId });
    throw toDatabaseError(error, { login, statement: "commit" });
  });
  // COMMIT of an aborted transaction "succeeds" with the tag ROLLBACK.
  if (command !== "COMMIT") throw new CutterError("DATABASE_COMMIT_REFUSED", { login, tag: command });
}
