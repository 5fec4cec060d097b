// The effective grant matrix as text: sorted lines and their sha256. The lines come from sql/phases/grant_probe/grant-matrix.sql.
import assert from "node:assert/strict";
import type { OrchestratorConfig } from "../config-schema.ts";
import { sha256Hex } from "../encoding/digest.ts";
import { toSqlLiteral } from "./sql-placeholders.ts";

/** `text` is sorted lines, each ended by \n; `sha256` is of its UTF-8 bytes. */
export interface GrantMatrix {
  readonly text: string;
  readonly sha256: string;
}

/** The programme's four roles; PUBLIC and every path to them belong to the matrix by itself. */
const roles = ["context_pack_readonly", "cutter_exec", "cutter_verify", "cutter_ro"] as const;

/** Whose rights the matrix shows: the roles, and the principals that are pinned. Pure. */
export function toMatrixPrincipals(config: Pick<OrchestratorConfig, "governance_principal" | "revert_principal">): readonly string[] {
  const pinned = [config.governance_principal, config.revert_principal].filter((principal) => principal !== null);
  return [...new Set<string>([...roles, ...pinned])].sort();
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
