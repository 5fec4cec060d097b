// The documents in PostgreSQL: each call is one statement, so each is atomic by itself.
import { readFileSync } from "node:fs";
import { Pool, type QueryResultRow } from "pg";
import { readSecretFile, type KnowledgeBaseServerConfig } from "./config.ts";

export interface StoredDocument {
  readonly document_id: string;
  readonly parent_id: string;
  readonly mime_type: string;
  readonly body: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly revision: number;
}

interface NewDocument {
  readonly id: string;
  readonly parentId: string;
  readonly mimeType: string;
  readonly body: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

interface DocumentChange {
  readonly id: string;
  readonly parentId: string | null;
  readonly mimeType: string | null;
  readonly body: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly lastKnownRevision: number | null;
}

interface Revised {
  readonly document_id: string;
  readonly revision: number;
}

export interface DocumentStore {
  /** null: the id is taken. */
  insert(document: NewDocument): Promise<Revised | null>;
  upsert(document: NewDocument): Promise<Revised>;
  /** null: missing, deleted, or another revision than the last known one. */
  replace(change: DocumentChange): Promise<Revised | null>;
  remove(id: string): Promise<Revised | null>;
  read(id: string): Promise<StoredDocument | null>;
  list(prefix: string): Promise<readonly Omit<StoredDocument, "mime_type" | "body">[]>;
  close(): Promise<void>;
}

/** `a/b` and `a__b` are one key, as in production. */
function toStorageKey(id: string): string {
  return id.replaceAll("/", "__");
}

/** Connects on first use and makes its table then; a server that is not up yet fails that call only. */
export function openStore(config: KnowledgeBaseServerConfig["database"]): DocumentStore {
  const pool = new Pool({
    host: config.host,
    port: config.port,
    database: config.name,
    user: config.user,
    password: () => readSecretFile(config.passwordFile),
    ssl: false,
    max: 4,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 20_000,
    application_name: "agent-data",
  });
  // A connection that dies while idle is replaced by the pool; without a listener it would end the process.
  pool.on("error", (error) => console.error(`[WARN] idle database connection lost: ${error.message}`));

  let schemaReady: Promise<unknown> | null = null;
  const query = async <Row extends QueryResultRow>(statement: string, values: readonly unknown[]): Promise<Row[]> => {
    schemaReady ??= pool.query(statements.schema);
    try {
      await schemaReady;
    } catch (error) {
      schemaReady = null;
      throw error;
    }
    return (await pool.query<Row>(statement, [...values])).rows;
  };
  const values = (document: NewDocument) => [
    toStorageKey(document.id),
    document.id,
    document.parentId,
    document.mimeType,
    document.body,
    JSON.stringify(document.metadata),
  ];

  return {
    insert: async (document) => (await query<Revised>(statements.insert, values(document)))[0] ?? null,
    upsert: async (document) => only(await query<Revised>(statements.upsert, values(document))),
    replace: async (change) => {
      const metadata = change.metadata === null ? null : JSON.stringify(change.metadata);
      return (
        (
          await query<Revised>(statements.replace, [
            toStorageKey(change.id),
            change.parentId,
            change.mimeType,
            change.body,
            metadata,
            change.lastKnownRevision,
          ])
        )[0] ?? null
      );
    },
    remove: async (id) => (await query<Revised>(statements.remove, [toStorageKey(id)]))[0] ?? null,
    read: async (id) => (await query<StoredDocument>(statements.read, [toStorageKey(id)]))[0] ?? null,
    list: async (prefix) => await query<StoredDocument>(statements.list, [prefix]),
    close: async () => await pool.end(),
  };
}

const statements = {
  schema: readStatement("schema"),
  insert: readStatement("insert"),
  upsert: readStatement("upsert"),
  replace: readStatement("replace"),
  remove: readStatement("delete"),
  read: readStatement("read"),
  list: readStatement("list"),
} as const;

/** sql/ lies beside this file, and beside main.mjs in the bundle. */
function readStatement(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), "utf8");
}

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("an upsert returned no row");
  return row;
}
