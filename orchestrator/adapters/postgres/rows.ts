// Rows as the driver gives them, parsed at the border.
import { z } from "zod";
import type { RegisteredDocument, RegistryRows, ServerFacts } from "../../ports/database.ts";

const serverFactsRow = z.strictObject({
  server_version: z.string(),
  server_version_num: z.int(),
  system_identifier: z.string(),
  database: z.string(),
  in_recovery: z.boolean(),
  fsync: z.boolean(),
  full_page_writes: z.boolean(),
  statistics_reset_at: z.string().nullable(),
  counts_tracked: z.boolean(),
  now: z.string(),
});

const registryRow = z.strictObject({
  document_id: z.string(),
  doc_code: z.string(),
  source_document_id: z.uuid(),
  source_version_id: z.uuid(),
  registered_sha256: z.string(),
  registered_revision: z.int(),
});

/** `server_version` may carry a packager's suffix, as in `18.6 (Debian …)`: the number alone is the version. Pure. */
export function toServerFacts(rows: readonly unknown[]): ServerFacts {
  const row = serverFactsRow.parse(rows[0]);
  return {
    serverVersion: row.server_version.split(" ")[0] ?? row.server_version,
    serverVersionNum: row.server_version_num,
    systemIdentifier: row.system_identifier,
    database: row.database,
    inRecovery: row.in_recovery,
    fsync: row.fsync,
    fullPageWrites: row.full_page_writes,
    statisticsResetAt: row.statistics_reset_at,
    countsTracked: row.counts_tracked,
    now: row.now,
  };
}

/** null for no row. Pure. */
export function toRegistryRows(rows: readonly unknown[]): RegistryRows | null {
  if (rows.length === 0) return null;
  const row = registryRow.parse(rows[0]);
  return {
    documentId: row.document_id,
    docCode: row.doc_code,
    sourceDocumentId: row.source_document_id,
    sourceVersionId: row.source_version_id,
    registeredSha256: row.registered_sha256,
    registeredRevision: row.registered_revision,
  };
}

const registeredRow = z.strictObject({
  document_id: z.string(),
  doc_code: z.string(),
  registered_sha256: z.string(),
  units_there: z.int(),
});

/** Pure. */
export function toRegisteredDocuments(rows: readonly unknown[]): readonly RegisteredDocument[] {
  return rows.map((candidate) => {
    const row = registeredRow.parse(candidate);
    return { documentId: row.document_id, docCode: row.doc_code, registeredSha256: row.registered_sha256, unitsThere: row.units_there };
  });
}
