// Counts, digests and modification counters of the tables in scope.
import { createHash } from "node:crypto";
import type { TableCensus } from "../../ports/database.ts";
import type { ReadTransaction } from "./connection.ts";

interface TableRow {
  readonly table_name: string;
  readonly quoted_name: string;
  readonly columns: string;
  readonly order_by: string;
}

/**
 * One snapshot for all tables; a table that does not exist is left out (the contract tells). The counters are read before the
 * digests: what happens in between shows in one of them.
 */
export async function readCensus(transaction: ReadTransaction, tables: readonly string[]): Promise<readonly TableCensus[]> {
  const counters = await transaction.query<{ table_name: string; modifications: string }>("census/modifications.sql", [tables]);
  const modifications = new Map(counters.map((row) => [row.table_name, row.modifications]));
  const found = await transaction.query<TableRow & Record<string, unknown>>("census/tables.sql", [tables]);
  const census: TableCensus[] = [];
  for (const row of found) {
    const hash = createHash("sha256");
    const rowCount = await transaction.copy("census/tables.sql", toCopy(row), (chunk) => hash.update(chunk));
    census.push({ table: row.table_name, rowCount, sha256: hash.digest("hex"), modifications: modifications.get(row.table_name) ?? "0" });
  }
  return census;
}

/** Names were quoted by the server, from its own catalogue. */
function toCopy(row: TableRow): string {
  return `copy (select ${row.columns} from ${row.quoted_name} order by ${row.order_by}) to stdout`;
}
