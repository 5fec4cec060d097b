// RevertDatabase over node-postgres: reads by the read-only login, and one transaction by the revert principal, whose connection is opened
// for it and closed behind it.
import { createHash } from "node:crypto";
import { z } from "zod";
import type { UnitEffect } from "../../core/journal/effect.ts";
import { CutterError } from "../../core/errors.ts";
import { toScopeTables } from "../../core/database/contract.ts";
import { toRunColumn, type RestOfTable } from "../../core/revert/differences.ts";
import type { RevertDatabase, RevertState } from "../../ports/revert-database.ts";
import { openClient, openReadConnection, type ReadConnection, type ReadTransaction, type TransactionLimits } from "./connection.ts";
import { readContractFile } from "./contract-file.ts";
import { readHiddenTables } from "./read-hidden-tables.ts";
import { openEvidence } from "./evidence.ts";
import { applyRevert } from "./revert-transaction.ts";
import type { LoginSettings } from "./settings.ts";

const connectTimeoutMs = 10_000;
const reading: TransactionLimits = { lockTimeoutMs: 60_000, statementTimeoutMs: 600_000, idleTimeoutMs: 60_000, deadlineMs: 1_800_000 };
const writing: TransactionLimits = { lockTimeoutMs: 30_000, statementTimeoutMs: 600_000, idleTimeoutMs: 60_000, deadlineMs: 1_200_000 };

/** Opens nothing yet. `limits` are the transaction's; tests wait less long for a lock. */
export function openRevertDatabase(
  settings: { readonly reader: LoginSettings; readonly revert: LoginSettings },
  limits: TransactionLimits = writing,
): RevertDatabase {
  const logs = openEvidence();
  const evidence = logs.of("context_pack_readonly");
  let opened: Promise<ReadConnection> | null = null;
  const read = async <Result>(work: (transaction: ReadTransaction) => Promise<Result>): Promise<Result> => {
    opened ??= openReadConnection(settings.reader, evidence, connectTimeoutMs);
    const mine = opened;
    const forget = (): void => {
      if (opened === mine) opened = null;
    };
    mine.then((open) => open.lost.then(forget), forget);
    return (await mine).read(reading, work);
  };
  return {
    readState: async (documentId, runId, reviewDecisionId) => {
      // Two transactions: a snapshot taken before the wait would not show what was waited for.
      await read((transaction) => transaction.query("locks/document-transaction.sql", [documentId]));
      return read(async (transaction) => {
        await requireAllSeen(transaction);
        return toState((await transaction.query("revert/state.sql", [runId, reviewDecisionId]))[0]);
      });
    },
    readUnits: (runId) => read(async (transaction) => (await transaction.query("revert/units.sql", [runId])).map(toUnit)),
    readRest: (runId) => read((transaction) => readRest(transaction, runId)),
    apply: async (permission, request) => {
      const { client, place, destroy } = await openClient(settings.revert, "revert principal", connectTimeoutMs);
      const deadline = setTimeout(destroy, limits.deadlineMs);
      try {
        logs.sameServer.admit("revert principal", place, new Promise((resolve) => client.once("end", () => resolve())));
        return await applyRevert(client, limits, permission, request);
      } finally {
        clearTimeout(deadline);
        await client.end().catch(() => undefined);
      }
    },
    close: async () => {
      await (await opened?.catch(() => null))?.close();
    },
  };
}

/** A unit that is not shown is not "nothing created". @throws DATABASE_ROWS_HIDDEN */
async function requireAllSeen(transaction: ReadTransaction): Promise<void> {
  const hidden = await readHiddenTables(transaction, "context_pack_readonly", toScopeTables(readContractFile()));
  const [first] = hidden.filter(({ why }) => why !== "absent"); // an absent table is an error of the question itself
  if (first !== undefined) throw new CutterError("DATABASE_ROWS_HIDDEN", { ...first });
}

const stateRow = z.strictObject({
  in_recovery: z.boolean(),
  decisions: z.int(),
  document_id: z.string().nullable(),
  payload_sha: z.string().nullable(),
  units_of_run: z.int(),
  still_standing: z.int(),
  reverts_logged: z.int(),
  revert_decisions: z.array(z.string()),
  decision_used: z.boolean().nullable(),
});

/** @throws SERVER_IS_STANDBY */
function toState(candidate: unknown): RevertState {
  const row = stateRow.parse(candidate);
  if (row.in_recovery) throw new CutterError("SERVER_IS_STANDBY", { step: "revert" }); // it may not have heard of the run yet
  return {
    decisions: row.decisions,
    documentId: row.document_id,
    payloadSha: row.payload_sha,
    unitsOfRun: row.units_of_run,
    stillStanding: row.still_standing,
    revertsLogged: row.reverts_logged,
    revertDecisions: row.revert_decisions,
    decisionUsed: row.decision_used ?? false,
  };
}

const text = z
  .string()
  .nullable()
  .transform((value) => value ?? "");
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? -1);
const unitRow = z.strictObject({
  idempotency_key: text,
  address: z.string(),
  doc_code: z.string(),
  parent: z.string().nullable(),
  kind: z.string(),
  ordinal: z.int(),
  heading_path: text,
  byte_start: number,
  byte_end: number,
  body_sha256: text,
  source_version_id: text,
});

/** A unit whose current version is missing has nothing to equal the plan with: empty, not absent. */
function toUnit(candidate: unknown): UnitEffect {
  const row = unitRow.parse(candidate);
  return {
    idempotencyKey: row.idempotency_key,
    address: row.address,
    docCode: row.doc_code,
    parent: row.parent,
    kind: row.kind,
    ordinal: row.ordinal,
    headingPath: row.heading_path,
    byteStart: row.byte_start,
    byteEnd: row.byte_end,
    bodySha256: row.body_sha256,
    sourceVersionId: row.source_version_id,
  };
}

interface TableRow extends Record<string, unknown> {
  readonly table_name: string;
  readonly quoted_name: string;
  readonly columns: string;
  readonly order_by: string;
}

/** In the form of the census (read-census.ts), so that equal rows give equal digests; one snapshot for all tables. */
async function readRest(transaction: ReadTransaction, runId: string): Promise<readonly RestOfTable[]> {
  await transaction.query("revert/run-setting.sql", [runId]);
  const rest: RestOfTable[] = [];
  for (const table of await transaction.query<TableRow>("census/tables.sql", [toScopeTables(readContractFile())])) {
    const column = toRunColumn(table.table_name);
    const ofRun = column === null ? "false" : `${column} = current_setting('cutter.run_id')`;
    const hash = createHash("sha256");
    const select = `select ${table.columns} from ${table.quoted_name} where`;
    const restRows = await transaction.copy(
      "census/tables.sql",
      `copy (${select} not (${ofRun}) order by ${table.order_by}) to stdout`,
      (chunk) => hash.update(chunk),
    );
    const rowsOfRun =
      column === null ? 0 : await transaction.copy("census/tables.sql", `copy (${select} ${ofRun}) to stdout`, () => undefined);
    rest.push({ table: table.table_name, rowsOfRun, restRows, restSha256: hash.digest("hex") });
  }
  return rest;
}
