// sql/contract/contract.json, parsed at the border.
import { databaseContractSchema, type DatabaseContract } from "../../core/database/contract.ts";
import { readSql } from "./sql-files.ts";

/** Throws on a broken release only: the file is part of it. */
export function readContractFile(): DatabaseContract {
  return databaseContractSchema.parse(JSON.parse(readSql("contract/contract.json")));
}
