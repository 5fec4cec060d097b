// from_digest: the rows one document touches, in canonical form, digested as they stream.
import { createHash } from "node:crypto";
import type { DocumentDigest } from "../../ports/database.ts";
import type { ReadTransaction } from "./connection.ts";
import { readSql } from "./sql-files.ts";

/** All in the snapshot of `transaction`. */
export async function readDigest(
  transaction: ReadTransaction,
  documentId: string,
  plannedAddresses: readonly string[],
): Promise<DocumentDigest> {
  await transaction.query("phases/cutplan/document-settings.sql", [documentId, plannedAddresses]);
  const hash = createHash("sha256");
  await transaction.copy("phases/cutplan/document-digest.sql", readSql("phases/cutplan/document-digest.sql"), (chunk) =>
    hash.update(chunk),
  );
  const [counts] = await transaction.query<{ unit_count: number; planned_addresses_taken: string[] }>(
    "phases/cutplan/document-counts.sql",
    [],
  );
  return { sha256: hash.digest("hex"), unitCount: counts?.unit_count ?? 0, plannedAddressesTaken: counts?.planned_addresses_taken ?? [] };
}
