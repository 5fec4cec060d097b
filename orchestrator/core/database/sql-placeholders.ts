// psql's `:'name'` placeholders, filled the way psql does it, for SQL text that psql does not read.
import assert from "node:assert/strict";

/**
 * Replaces each `:'name'` by a quoted SQL literal. Every placeholder must have a value; pure. For sandbox and test SQL
 * only: production statements use bound parameters. A value must not hold NUL (asserted).
 */
export function fillSqlPlaceholders(sqlText: string, values: Readonly<Record<string, string>>): string {
  return sqlText.replace(/:'([a-z_]+)'/g, (_placeholder, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    assert(value !== undefined, `no value for the SQL placeholder ${name}`);
    return toSqlLiteral(value);
  });
}

/**
 * A standard SQL string literal: quotes doubled; with a backslash inside it becomes an escape string, so `standard_conforming_strings` does
 * not matter.
 */
export function toSqlLiteral(value: string): string {
  assert(!value.includes("\0"), "a SQL literal cannot hold NUL");
  const doubled = value.replaceAll("'", "''");
  return doubled.includes("\\") ? ` E'${doubled.replaceAll("\\", "\\\\")}'` : `'${doubled}'`;
}
