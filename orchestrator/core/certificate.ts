// The no-side-effect certificate of a dry run: three kinds of evidence, one verdict that never says more than they do (design section 4.2).
import { z } from "zod";
import { type censusSchema, connectionSchema } from "./journal-record.ts";

type Census = z.infer<typeof censusSchema>;

const tableSchema = z.strictObject({
  table: z.string(),
  rowsBefore: z.int(),
  rowsAfter: z.int(),
  sha256Before: z.string(),
  sha256After: z.string(),
  modifications: z.string(), // rows inserted, updated or deleted by anybody in between; decimal
});

export const certificateSchema = z.strictObject({
  schema: z.literal("cutter.certificate/1"),
  verdict: z.enum(["pass", "inconclusive", "fail"]),
  reasons: z.array(z.string()), // why it is not pass; empty for pass
  connections: z.array(connectionSchema),
  tables: z.array(tableSchema),
  kbDocuments: z.array(z.string()),
});

export type Certificate = z.infer<typeof certificateSchema>;

export interface CertificateEvidence {
  readonly before: readonly Census[];
  readonly after: readonly Census[];
  readonly connections: readonly { readonly login: string; readonly transactions: number; readonly transactionIdsAssigned: readonly string[] }[];
  readonly unknownAttempts: number; // starts of this run that were killed before they could tell what their connections did
  readonly kbDocuments: readonly string[];
}

/** Stands for the transaction id of a connection that died before it could be asked. */
export const unknownTransactionId = "unknown";

/**
 * Pure. `fail`: one of our connections was given a transaction id, so we wrote. `inconclusive`: a table in scope changed, or was written and
 * changed back (the modification counters see that), while we wrote nothing; or the evidence has a hole. `pass`: all three kinds agree that nothing moved.
 */
export function toCertificate(evidence: CertificateEvidence): Certificate {
  const failures = evidence.connections.flatMap(({ login, transactionIdsAssigned }) => {
    const assigned = transactionIdsAssigned.filter((id) => id !== unknownTransactionId);
    return assigned.length === 0 ? [] : [`${login} was given transaction ids ${assigned.join(", ")}: this run wrote`];
  });
  const tables = toTables(evidence);
  const doubts = [
    ...holes(evidence),
    ...tables.filter((row) => row.sha256Before !== row.sha256After || row.rowsBefore !== row.rowsAfter).map((row) => `${row.table} changed: ${row.rowsBefore} rows before, ${row.rowsAfter} after`),
    ...tables.filter((row) => row.modifications !== "0").map((row) => `${row.table} was written by somebody meanwhile: ${row.modifications} rows inserted, updated or deleted`),
  ];
  return {
    schema: "cutter.certificate/1",
    verdict: failures.length > 0 ? "fail" : doubts.length > 0 ? "inconclusive" : "pass",
    reasons: [...failures, ...doubts],
    connections: evidence.connections.map(({ login, transactions, transactionIdsAssigned }) => ({ login, transactions, transactionIdsAssigned: [...transactionIdsAssigned] })),
    tables,
    kbDocuments: [...evidence.kbDocuments],
  };
}

/** What the evidence cannot speak of. Nothing measured at all is a hole, never a pass. */
function holes({ before, after, connections, unknownAttempts }: CertificateEvidence): readonly string[] {
  const names = (census: readonly Census[]) => new Set(census.map(({ table }) => table));
  const missing = [...names(before).difference(names(after))].map((table) => `${table} was there before and is not there after`);
  const added = [...names(after).difference(names(before))].map((table) => `${table} was not measured before`);
  return [
    ...missing,
    ...added,
    ...(before.length === 0 || after.length === 0 ? ["no table in scope was measured"] : []),
    ...(connections.some(({ transactions }) => transactions > 0) ? [] : ["no connection told what it did"]),
    ...connections.filter(({ transactionIdsAssigned }) => transactionIdsAssigned.includes(unknownTransactionId)).map(({ login }) => `a connection of ${login} broke off before it could tell what it did`),
    ...(unknownAttempts > 0 ? [`${unknownAttempts} earlier start(s) of this run were killed before they could tell what they did`] : []),
  ];
}

function toTables({ before, after }: CertificateEvidence): Certificate["tables"] {
  return before.flatMap((first) => {
    const last = after.find(({ table }) => table === first.table);
    if (last === undefined) return [];
    return [
      {
        table: first.table,
        rowsBefore: first.rowCount,
        rowsAfter: last.rowCount,
        sha256Before: first.sha256,
        sha256After: last.sha256,
        modifications: String(BigInt(last.modifications) - BigInt(first.modifications)),
      },
    ];
  });
}
