// The effective grant matrix as text: sorted lines and their sha256. The lines come from sql/phases/grant_probe/grant-matrix.sql.
import assert from "node:assert/strict";
import { sha256Hex } from "./digest.ts";
import { toSqlLiteral } from "./sql-placeholders.ts";

/** `text` is sorted lines, each ended by \n; `sha256` is of its UTF-8 bytes. */
export interface GrantMatrix {
  readonly text: string;
  readonly sha256: string;
}

/** The lines as the database sorted them (by bytes). Pure. */
export function toGrantMatrix(lines: readonly string[]): GrantMatrix {
  const text = lines.map((line) => `${line}\n`).join("");
  return { text, sha256: sha256Hex(text) };
}

/** The value of the setting cutter.principals. Pure; names that could not be told apart again are a bug. */
export function toPrincipalsSetting(principals: readonly string[]): string {
  for (const name of principals) assert(/^[a-z_][a-z0-9_]*$/.test(name), `not a plain role name: ${name}`);
  return [...new Set(principals)].sort().join(",");
}

/**
 * The matrix for psql's stdin, run as `psql -X -q -At`: the sha256 of what it prints is `GrantMatrix.sha256`.
 * `matrixSql` is the content of sql/phases/grant_probe/grant-matrix.sql. Pure; any login will do.
 */
export function toGrantMatrixScript(principals: readonly string[], matrixSql: string): string {
  return `set cutter.principals to ${toSqlLiteral(toPrincipalsSetting(principals))};\n${matrixSql}`;
}
