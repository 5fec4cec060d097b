// Which tables in scope a login may be shown a part of, and what cannot be counted at all: it asks for itself, in its own session.
import { hiddenTablesFile } from "../../core/database/hidden-rows-session.ts";
import type { HiddenTable, LoginName } from "../../ports/database.ts";
import type { ReadTransaction } from "./connection.ts";

/** Catalogues only, so a login without a right on a table is answered too. */
export async function readHiddenTables(
  transaction: ReadTransaction,
  login: LoginName,
  tables: readonly string[],
): Promise<readonly HiddenTable[]> {
  const rows = await transaction.query<{ table_name: string; role: string; why: HiddenTable["why"] }>(hiddenTablesFile, [tables, null]);
  return rows.map(({ table_name: table, role, why }) => ({ login, role, table, why }));
}
