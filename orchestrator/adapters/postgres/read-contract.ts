// Compares the contract with the catalogues, through any login.
import { catalogueSchema, type Catalogue, type DatabaseContract } from "../../core/database/contract.ts";
import type { ReadTransaction } from "./connection.ts";

/** What the database has of the objects that `contract` names. */
export async function readCatalogue(transaction: ReadTransaction, contract: DatabaseContract): Promise<Catalogue> {
  await transaction.query("contract/catalogue.sql", [JSON.stringify(contract)], "select set_config('cutter.contract', $1, true)");
  const [row] = await transaction.query<{ catalogue: unknown }>("contract/catalogue.sql", []);
  return catalogueSchema.parse(row?.catalogue);
}
