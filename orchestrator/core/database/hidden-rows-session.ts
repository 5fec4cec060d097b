// Before an approval is spent on what logins see: do they see every row? One psql session, and its answer. Pure.
import { z } from "zod";
import { toPinScript } from "./session-settings.ts";
import { toSqlLiteral } from "./sql-placeholders.ts";

/** Where the text lies below a sql/ folder. */
export const hiddenRowsFile = "survey/hidden-rows.sql";

const answerSchema = z.strictObject({
  in_recovery: z.boolean(),
  hidden: z.array(z.strictObject({ role: z.string(), table: z.string(), why: z.string() })),
});

/** For psql's stdin, with `psqlOptions`. Read-only; catalogues only. `sqlText` is the content of `hiddenRowsFile`. */
export function toHiddenRowsScript(sqlText: string, roles: readonly string[], tables: readonly string[]): string {
  const asked = `set cutter.asked to ${toSqlLiteral(JSON.stringify({ roles, tables }))};`;
  return `${toPinScript()}begin transaction read only;\n${asked}\n${sqlText}\nrollback;\n`;
}

/** Null: psql said something else, so nothing is known. */
export function parseHiddenRows(stdout: string): z.infer<typeof answerSchema> | null {
  try {
    return answerSchema.safeParse(JSON.parse(stdout)).data ?? null;
  } catch {
    return null;
  }
}
