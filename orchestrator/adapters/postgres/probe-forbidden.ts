// Proves that forbidden actions are refused without risking them: EXPLAIN plans and checks rights, but never runs.
import { CutterError } from "../../core/errors.ts";
import type { ForbiddenAction } from "../../core/database/forbidden-actions.ts";
import type { ForbiddenProbe } from "../../ports/database.ts";
import type { ReadTransaction } from "./connection.ts";

const rightMissing = "42501";

/** The statements of one object, by verb; several where a right may lie on one column alone. */
export type ProbeStatements = ReadonlyMap<string, Readonly<Record<ForbiddenAction["verb"], readonly string[]>>>;

/** Asks the catalogue for quoted names. Objects that do not exist are left out: the contract tells of them. */
export async function readProbeStatements(
  transaction: ReadTransaction,
  tables: readonly string[],
  functions: readonly string[],
): Promise<ProbeStatements> {
  const columns = await transaction.query<{ table_name: string; quoted_name: string; columns: string[] }>(
    "phases/grant_probe/columns.sql",
    [tables],
  );
  const calls = await transaction.query<{ function_name: string; call: string }>("phases/grant_probe/functions.sql", [functions]);
  const statements = new Map<string, Record<ForbiddenAction["verb"], readonly string[]>>();
  for (const row of columns) {
    statements.set(row.table_name, {
      insert: [`explain insert into ${row.quoted_name} default values`], // any one column's right would do
      // no condition: SELECT is not needed
      update: row.columns.map((column) => `explain update ${row.quoted_name} set ${column} = default`),
      delete: [`explain delete from ${row.quoted_name}`],
      execute: [],
    });
  }
  for (const name of functions) {
    const execute = calls.filter((row) => row.function_name === name).map((row) => `explain select ${row.call}`);
    statements.set(name, { insert: [], update: [], delete: [], execute });
  }
  return statements;
}

/** `refused` only if every statement of the action failed with 42501; the state shown is the first other one. */
export async function probeActions(
  transaction: ReadTransaction,
  actions: readonly ForbiddenAction[],
  statements: ProbeStatements,
): Promise<readonly ForbiddenProbe[]> {
  const probes: ForbiddenProbe[] = [];
  for (const action of actions) {
    const texts = statements.get(action.object)?.[action.verb] ?? [];
    const states: (string | null)[] = [];
    for (const text of texts) states.push(await tryStatement(transaction, text));
    if (states.length === 0) continue;
    const other = states.find((state) => state !== rightMissing);
    probes.push({
      login: action.login,
      action: toActionText(action),
      refused: other === undefined,
      sqlState: other === undefined ? rightMissing : other,
    });
  }
  return probes;
}

/** The SQLSTATE it failed with, or null when it was planned. */
async function tryStatement(transaction: ReadTransaction, text: string): Promise<string | null> {
  try {
    await transaction.inSavepoint(() => transaction.query("phases/grant_probe/explain", [], text));
    return null;
  } catch (error) {
    const state = error instanceof CutterError ? error.facts["sqlstate"] : undefined;
    if (typeof state === "string") return state;
    throw error;
  }
}

function toActionText({ verb, object }: ForbiddenAction): string {
  if (verb === "insert") return `insert into ${object}`;
  if (verb === "delete") return `delete from ${object}`;
  return `${verb} ${object}`;
}
