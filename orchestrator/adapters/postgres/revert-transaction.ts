// The one transaction of a revert: lock, compare, runbook, proof, COMMIT with its tag. Whatever goes wrong before COMMIT is rolled back.
import { createHash } from "node:crypto";
import type { Client } from "pg";
import { to as copyTo } from "pg-copy-streams";
import { z } from "zod";
import type { Code } from "../../core/codes/index.ts";
import { CutterError } from "../../core/errors.ts";
import type { WritePermission } from "../../ports/permission.ts";
import type { RevertProof, RevertRequest } from "../../ports/revert-database.ts";
import type { TransactionLimits } from "./connection.ts";
import { isOutcomeUnknown, toDatabaseError, toSqlState } from "./database-error.ts";
import { type LastAnswer, requiredSettingNames, requireSettingsStill } from "./required-settings.ts";
import { readSql } from "./sql-files.ts";

const login = "revert principal";
const proofRow = z.looseObject({ units_of_run: z.coerce.number(), still_standing: z.coerce.number(), reverts_logged: z.coerce.number() });

/**
 * READ COMMITTED, and the rows locked before they are compared: what others commit until then is seen, and nothing can be committed after.
 * @throws as RevertDatabase.apply
 */
export async function applyRevert(
  client: Client,
  limits: TransactionLimits,
  permission: WritePermission,
  request: RevertRequest,
): Promise<RevertProof> {
  await ask(client, "begin isolation level read committed read write");
  try {
    await query(
      client,
      "write-settings.sql",
      [limits.lockTimeoutMs, limits.statementTimeoutMs, limits.idleTimeoutMs, limits.deadlineMs].map(String),
    );
    await query(client, "revert/settings.sql", [request.runId, request.reviewDecisionId]);
    await query(client, "locks/document-transaction.sql", [request.documentId]);
    await query(client, "revert/lock-units.sql", []);
    await compareDigest(client, request);
    const proof = await runRunbook(client, request);
    await permission.beforeCommit(await readTransactionId(client));
    await commit(client, request.runId);
    return proof;
  } catch (error) {
    // After a COMMIT without an answer the line is gone, and with it the transaction's fate from our sight.
    await client.query("rollback").catch(() => undefined);
    throw toDatabaseError(error, { login, statement: "revert" });
  }
}

async function compareDigest(client: Client, request: RevertRequest): Promise<void> {
  await query(client, "phases/cutplan/document-settings.sql", [request.documentId, request.plannedAddresses]);
  const hash = createHash("sha256");
  const statement = "phases/cutplan/document-digest.sql";
  try {
    for await (const chunk of client.query(copyTo(readSql(statement)))) hash.update(chunk as Buffer);
  } catch (error) {
    throw toDatabaseError(error, { login, statement });
  }
  const found = hash.digest("hex");
  if (found !== request.expectedDigest)
    throw new CutterError("REVERT_ROWS_CHANGED", {
      run_id: request.runId,
      part: "digest of the document's rows",
      expected: request.expectedDigest,
      found,
    });
}

async function runRunbook(client: Client, request: RevertRequest): Promise<RevertProof> {
  const results = await client.query(request.runbook).catch((error: unknown) => {
    throw toRunbookRefusal(error, request.runId) ?? toDatabaseError(error, { login, statement: "rollback_runbook.sql" });
  });
  const all: unknown = results;
  const last: unknown = Array.isArray(all) ? all.at(-1) : all;
  const row = proofRow.safeParse(z.looseObject({ rows: z.array(z.unknown()) }).parse(last).rows[0]);
  const proof = row.success
    ? { unitsOfRun: row.data.units_of_run, stillStanding: row.data.still_standing, revertsLogged: row.data.reverts_logged }
    : null;
  if (
    proof === null ||
    proof.stillStanding !== 0 ||
    proof.unitsOfRun !== request.expectedUnits ||
    proof.revertsLogged !== request.expectedUnits
  ) {
    throw new CutterError("REVERT_NOT_PROVEN", {
      run_id: request.runId,
      expected_units: request.expectedUnits,
      units_of_run: proof?.unitsOfRun ?? null,
      still_standing: proof?.stillStanding ?? null,
      reverts_logged: proof?.revertsLogged ?? null,
    });
  }
  return proof;
}

const refusals = [
  "REVERT_RUN_UNKNOWN",
  "REVERT_UNIT_MOVED_SINCE",
  "REVERT_UNIT_WAS_THERE_BEFORE",
  "REVERT_UNIT_ENACTED_BY_OTHERS",
  "REVERT_UNIT_HAS_FOREIGN_CHILD",
] as const satisfies readonly Code[];

/**
 * The runbook refuses by casting our own code to a number (22P02): the SQLSTATE says that it did, and the one word in the message that is a
 * code says why. The quotes around it are those of the server's language (lc_messages).
 */
function toRunbookRefusal(error: unknown, runId: string): CutterError | null {
  if (toSqlState(error) !== "22P02" || !(error instanceof Error)) return null;
  const found = /\b(REVERT_[A-Z_]+) (.*?)\s*["'»”“’]*$/u.exec(error.message);
  const code = refusals.find((candidate) => candidate === found?.[1]);
  return code === undefined
    ? null
    : new CutterError(code, { run_id: runId, ...(code === "REVERT_RUN_UNKNOWN" ? {} : { address: found?.[2]?.slice(0, 300) ?? "" }) });
}

async function readTransactionId(client: Client): Promise<string> {
  const [row] = await query<LastAnswer<string | null>>(client, "transaction-id.sql", [requiredSettingNames]);
  if (row !== undefined) requireSettingsStill(row.settings, login);
  return row?.id ?? "none";
}

/** @throws REVERT_COMMIT_UNKNOWN when its fate is open */
async function commit(client: Client, runId: string): Promise<void> {
  const { command } = await client.query("commit").catch((error: unknown) => {
    if (isOutcomeUnknown(error)) throw new CutterError("REVERT_COMMIT_UNKNOWN", { run_id: runId });
    throw toDatabaseError(error, { login, statement: "commit" });
  });
  if (command !== "COMMIT") throw new CutterError("DATABASE_COMMIT_REFUSED", { login, tag: command });
}

async function ask(client: Client, text: string): Promise<void> {
  await client.query(text).catch((error: unknown) => {
    throw toDatabaseError(error, { login, statement: text });
  });
}

async function query<Row extends Record<string, unknown>>(
  client: Client,
  statement: string,
  values: readonly (string | readonly string[])[],
): Promise<readonly Row[]> {
  try {
    return (await client.query<Row>({ text: readSql(statement), values: [...values] })).rows;
  } catch (error) {
    throw toDatabaseError(error, { login, statement });
  }
}
