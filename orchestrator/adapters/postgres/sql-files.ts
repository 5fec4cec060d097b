// Where the SQL lies: sql/ of the source tree, or sql/ beside bin/ in a release. Statements are read from there, never built here.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { databaseContractSchema, type DatabaseContract } from "../../core/database/contract.ts";

/** sql/ for a module in `moduleFolder`: a bundle lies in <release>/bin, this source in orchestrator/adapters/postgres. Pure. */
export function toSqlFolder(moduleFolder: string): string {
  return basename(moduleFolder) === "bin" ? join(moduleFolder, "../sql") : join(moduleFolder, "../../../sql");
}

/** The text of one file below sql/, e.g. `phases/grant_probe/grant-matrix.sql`. A missing file is a broken release: throws as is. */
export function readSql(path: string): string {
  return readFileSync(join(toSqlFolder(import.meta.dirname), path), "utf8");
}

/** sql/contract/contract.json, parsed at the border. Throws on a broken release only: the file is part of it. */
export function readContractFile(): DatabaseContract {
  return databaseContractSchema.parse(JSON.parse(readSql("contract/contract.json")));
}
