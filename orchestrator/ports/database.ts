// What the orchestrator asks of PostgreSQL, in the programme's terms. The adapter owns connections, SQL files and timeouts.
import type { Catalogue, Firing } from "../core/database/contract.ts";
import type { GrantMatrix } from "../core/database/grant-matrix.ts";

/** The logins a run may hold; each is a connection of its own, opened on first use. Host names in secret-names.ts. */
export type LoginName = "context_pack_readonly" | "cutter_exec" | "cutter_verify" | "governance";

export interface ServerFacts {
  readonly serverVersion: string; // e.g. "18.6"
  readonly serverVersionNum: number; // e.g. 180006
  readonly systemIdentifier: string; // decimal, from pg_control_system()
  readonly database: string;
  readonly inRecovery: boolean;
  readonly fsync: boolean;
  readonly fullPageWrites: boolean;
  readonly statisticsResetAt: string | null; // ISO 8601 UTC: when modification counters were last reset or lost; null: never
  readonly countsTracked: boolean; // track_counts is on here, and off for no role and no database
  readonly now: string; // ISO 8601 UTC, the database's clock
}

/** The rows of one document in the two source registries. */
export interface RegistryRows {
  readonly documentId: string;
  readonly docCode: string;
  readonly sourceDocumentId: string; // uuid
  readonly sourceVersionId: string; // uuid of the newest registered version
  readonly registeredSha256: string; // sha256 of the source bytes as registered
  readonly registeredRevision: number;
}

/** A document of the source registry, with its newest version. */
export interface RegisteredDocument {
  readonly documentId: string;
  readonly docCode: string;
  readonly registeredSha256: string;
  readonly unitsThere: number;
}

/** One difference between sql/contract/ and the database. */
export interface ContractFinding {
  readonly object: string; // e.g. "function public.fn_iu_create"
  readonly expected: string;
  readonly found: string;
}

/** A table in scope that a login may see a part of, or that cannot be counted: what is not seen there proves nothing. */
export interface HiddenTable {
  readonly login: LoginName;
  readonly role: string; // the login's role in the database
  readonly table: string; // schema-qualified
  readonly why: "no such role" | "absent" | "row security" | "not an ordinary table" | "inheritance";
}

/** The rows this document touches: its units, its planned addresses, its registry rows (from_digest, decision 28). */
export interface DocumentDigest {
  readonly sha256: string;
  readonly unitCount: number;
  readonly plannedAddressesTaken: readonly string[]; // planned addresses that exist already
}

/**
 * One table in scope, measured. `modifications` = inserted + updated + deleted of the cumulative statistics: it sees an insert that was
 * deleted again.
 */
export interface TableCensus {
  readonly table: string; // schema-qualified
  readonly rowCount: number;
  readonly sha256: string; // of COPY … ORDER BY primary key with pinned settings
  readonly modifications: string; // decimal bigint
}

export interface ForbiddenProbe {
  readonly login: LoginName;
  readonly action: string; // e.g. "insert into public.information_unit"
  readonly refused: boolean; // true only for SQLSTATE 42501
  readonly sqlState: string | null;
}

/** What one connection did: every transaction is asked pg_current_xact_id_if_assigned() as its last query. */
export interface ConnectionEvidence {
  readonly login: LoginName;
  readonly transactions: number;
  readonly transactionIdsAssigned: readonly string[]; // empty = this connection wrote nothing
}

/** An exported snapshot; valid until close(). */
export interface DatabaseSnapshot {
  readonly id: string;
  readonly digest: DocumentDigest; // taken inside the snapshot
  close(): Promise<void>;
}

/** Read side. Everything runs in REPEATABLE READ READ ONLY transactions with timeouts set. Errors: DATABASE_* codes. */
export interface ProductionDatabase {
  readServerFacts(): Promise<ServerFacts>;
  readContractFindings(): Promise<readonly ContractFinding[]>;
  /** What the database really has of the objects sql/contract names. */
  captureContract(): Promise<Catalogue>;
  /** What runs beside a write on the tables in scope: enabled triggers, rules, event triggers at login. */
  readFiring(): Promise<readonly Firing[]>;
  /** Each login asks for itself, in its own session; empty: every login sees all of every table in scope. */
  readHiddenTables(): Promise<readonly HiddenTable[]>;
  /** null when the document is not registered */
  readRegistryRows(documentId: string): Promise<RegistryRows | null>;
  /** All of them, by knowledge base id. */
  readRegisteredDocuments(): Promise<readonly RegisteredDocument[]>;
  readDocumentDigest(documentId: string, plannedAddresses: readonly string[]): Promise<DocumentDigest>;
  readTableCensus(): Promise<readonly TableCensus[]>;
  readGrantMatrix(principals: readonly string[]): Promise<GrantMatrix>;
  /** Tries each forbidden action without risking it (EXPLAIN INSERT inside READ ONLY). */
  probeForbiddenActions(): Promise<readonly ForbiddenProbe[]>;
  openSnapshot(documentId: string, plannedAddresses: readonly string[]): Promise<DatabaseSnapshot>;
  /** Tables of the narrow backup, schema-qualified. */
  readonly backupTables: readonly string[];
  connectionEvidence(): readonly ConnectionEvidence[];
  close(): Promise<void>;
}
