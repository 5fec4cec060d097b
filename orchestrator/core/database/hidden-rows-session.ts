// Before an approval is spent on what logins see: do they see every row? One psql session, and its answer. Pure.
import { z } from "zod";
import { toPinScript } from "./session-settings.ts";
import { toSqlLiteral } from "./sql-placeholders.ts";

/** Where the text lies below a sql/ folder: the one that the logins ask themselves by, too. */
export const hiddenTablesFile = "phases/source_pin/hidden-tables.sql";

const answerSchema = z.strictObject({
  in_recovery: z.boolean(),
  hidden: z.array(z.strictObject({ role: z.string(), table: z.string(), why: z.string() })),
});

/**
 * For psql's stdin, with `psqlOptions`. Read-only; catalogues only. `sqlText` is the content of `hiddenTablesFile`: prepared, because psql
 * binds no parameters before version 16.
 */
export function toHiddenRowsScript(sqlText: string, roles: readonly string[], tables: readonly string[]): string {
  const toArray = (values: readonly string[]): string => `array[${values.map(toSqlLiteral).join(", ")}]::text[]`;
  const hidden = "jsonb_build_object('role', h.role, 'table', h.table_name, 'why', h.why)";
  return `${toPinScript()}begin transaction read only;
prepare cutter_hidden (text[], text[]) as
select jsonb_build_object('in_recovery', pg_is_in_recovery(), 'hidden', coalesce(jsonb_agg(${hidden}), '[]')) from (
${sqlText.trim().replace(/;$/, "")}
) h;
execute cutter_hidden (${toArray(tables)}, ${toArray(roles)});
deallocate cutter_hidden;
rollback;
`;
}

/** Null: psql said something else, so nothing is known. */
export function parseHiddenRows(stdout: string): z.infer<typeof answerSchema> | null {
  try {
    return answerSchema.safeParse(JSON.parse(stdout)).data ?? null;
  } catch {
    return null;
  }
}
