// The no-side-effect certificate of a dry run: three kinds of evidence, one verdict that never says more than they do (decision 5).
import { z } from "zod";
import { type censusSchema, connectionSchema } from "../journal/record.ts";

type Census = z.infer<typeof censusSchema>;

const tableSchema = z.strictObject({
  table: z.string(),
  rowsBefore: z.int(),
  rowsAfter: z.int(),
  sha256Before: z.string(),
  sha256After: z.string(),
  modifications: z.string(), // rows inserted, updated or deleted by anybody in between; decimal
});

/**
 * The server the counts came from, and whether its modification counters cover the time in between. Times are ISO 8601 UTC, null: never
 * reset.
 */
const serverSchema = z.strictObject({
  systemIdentifierBefore: z.string(),
  systemIdentifierAfter: z.string(),
  countersResetBefore: z.string().nullable(),
  countersResetAfter: z.string().nullable(),
  counted: z.boolean(), // track_counts was on at both looks, for every role and database
});

export const certificateSchema = z.strictObject({
  schema: z.literal("cutter.certificate/1"),
  verdict: z.enum(["pass", "inconclusive", "fail"]),
  reasons: z.array(z.string()), // why it is not pass; empty for pass
  server: serverSchema.nullable().default(null), // null in certificates of earlier releases
  connections: z.array(connectionSchema),
  notCovered: z.array(z.string()).default([]), // sessions of this run that were not asked, and what speaks for them instead
  tables: z.array(tableSchema),
  kbDocuments: z.array(z.string()),
});

export type Certificate = z.infer<typeof certificateSchema>;

export interface ServerEvidence {
  readonly systemIdentifier: string;
  readonly counters: { readonly resetAt: string | null; readonly counted: boolean } | null; // null: not recorded
}

export interface CertificateEvidence {
  readonly server: { readonly before: ServerEvidence; readonly after: ServerEvidence };
  readonly before: readonly Census[];
  readonly after: readonly Census[];
  readonly connections: readonly {
    readonly login: string;
    readonly transactions: number;
    readonly transactionIdsAssigned: readonly string[];
  }[];
  readonly unknownAttempts: number; // starts of this run that were killed before they could tell what their connections did
  /** As each login sees it at the end: tables in scope it may not see all of, or that cannot be counted. */
  readonly hidden: readonly { readonly login: string; readonly role: string; readonly table: string; readonly why: string }[];
  readonly standby: boolean; // the server at the end: it counts no write of the primary, and may not have heard of it yet
  readonly firing: readonly string[]; // what fires beside a write, a line each
  readonly kbDocuments: readonly string[];
}

/** Stands for the transaction id of a connection that died before it could be asked. */
const unknownTransactionId = "unknown";

/** What the certificate keeps of a server's facts. Pure. */
export function toServerEvidence(facts: {
  readonly systemIdentifier: string;
  readonly statisticsResetAt: string | null;
  readonly countsTracked: boolean;
}): ServerEvidence {
  return { systemIdentifier: facts.systemIdentifier, counters: { resetAt: facts.statisticsResetAt, counted: facts.countsTracked } };
}

/**
 * pg_dump's session cannot be asked as ours are. Its backend_xid does show in pg_stat_activity, but only while its transaction lasts, and
 * the last moment of that is nobody's to catch from outside; nor does a name tell this pg_dump from another one. A look that proves nothing
 * would read like proof.
 */
const notCovered = [
  "pg_dump's own session (phase pre_write_backup): it is not one of the connections above and was not asked for its " +
    "transaction id. It dumps in a read-only transaction of its own making; for its writes in scope only counts, digests and " +
    "counters speak",
] as const;

/**
 * Pure. `fail`: one of our connections was given a transaction id, so we wrote. `inconclusive`: a table in scope changed, or was written
 * and changed back (the modification counters see that), while we wrote nothing; or the evidence has a hole. `pass`: all three kinds agree
 * that nothing moved.
 */
export function toCertificate(evidence: CertificateEvidence): Certificate {
  const failures = evidence.connections.flatMap(({ login, transactionIdsAssigned }) => {
    const assigned = transactionIdsAssigned.filter((id) => id !== unknownTransactionId);
    return assigned.length === 0 ? [] : [`${login} was given transaction ids ${assigned.join(", ")}: this run wrote`];
  });
  const tables = toTables(evidence);
  const doubts = [
    ...serverDoubts(evidence.server),
    ...holes(evidence),
    ...(evidence.standby ? ["the database is a standby: its counters do not see what is written to the primary"] : []),
    ...evidence.hidden.map(({ login, role, table, why }) => `${login} (role ${role}) does not see ${table} as one whole table: ${why}`),
    ...tables
      .filter((row) => row.sha256Before !== row.sha256After || row.rowsBefore !== row.rowsAfter)
      .map((row) => `${row.table} changed: ${row.rowsBefore} rows before, ${row.rowsAfter} after`),
    ...tables
      .filter((row) => row.modifications !== "0")
      .map((row) => `${row.table} was written by somebody meanwhile: ${row.modifications} rows inserted, updated or deleted`),
  ];
  return {
    schema: "cutter.certificate/1",
    verdict: failures.length > 0 ? "fail" : doubts.length > 0 ? "inconclusive" : "pass",
    reasons: [...failures, ...doubts],
    server: toServer(evidence.server),
    connections: evidence.connections.map(({ login, transactions, transactionIdsAssigned }) => ({
      login,
      transactions,
      transactionIdsAssigned: [...transactionIdsAssigned],
    })),
    tables,
    notCovered: [
      ...notCovered,
      ...evidence.firing.map((line) => `${line}: a live run makes it fire, and rows it writes outside the tables in scope are not counted`),
    ],
    kbDocuments: [...evidence.kbDocuments],
  };
}

/** Another server, or counters that were off or began anew, prove nothing of the time in between, whatever the figures say. */
function serverDoubts({ before, after }: CertificateEvidence["server"]): readonly string[] {
  const { counters: first } = before;
  const { counters: last } = after;
  return [
    ...(before.systemIdentifier === after.systemIdentifier
      ? []
      : [`the database is another one: system_identifier ${before.systemIdentifier} before, ${after.systemIdentifier} after`]),
    ...(first === null || last === null
      ? [`the state of the modification counters was not recorded ${first === null ? "before" : "after"}`]
      : []),
    ...(first !== null && last !== null && first.resetAt !== last.resetAt
      ? [
          `the modification counters were reset or lost meanwhile: last reset ${first.resetAt ?? "never"} before, ` +
            `${last.resetAt ?? "never"} after`,
        ]
      : []),
    ...(first?.counted === false || last?.counted === false
      ? ["track_counts was off, here or for a role or database: the modification counters do not see every write"]
      : []),
  ];
}

function toServer({ before, after }: CertificateEvidence["server"]): Certificate["server"] {
  return {
    systemIdentifierBefore: before.systemIdentifier,
    systemIdentifierAfter: after.systemIdentifier,
    countersResetBefore: before.counters?.resetAt ?? null,
    countersResetAfter: after.counters?.resetAt ?? null,
    counted: before.counters?.counted === true && after.counters?.counted === true,
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
    ...connections
      .filter(({ transactionIdsAssigned }) => transactionIdsAssigned.includes(unknownTransactionId))
      .map(({ login }) => `a connection of ${login} broke off before it could tell what it did`),
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
