// The documents in PostgreSQL, as the API keeps them: read, compared and written under a lock of this process, and of no other.
import { readFileSync } from "node:fs";
import { Pool, type QueryResultRow } from "pg";
import { readSecretFile, type KnowledgeBaseServerConfig } from "./config.ts";
import { toPythonJson, toRefusalText, UnstorableDocument } from "./unstorable.ts";

export interface StoredDocument {
  readonly document_id: string;
  readonly parent_id: string;
  readonly content: { readonly mime_type: string; readonly body: string };
  readonly metadata: Readonly<Record<string, unknown>> | null; // null: a row of an older version
  readonly revision?: unknown; // what older rows have: a number, a text, nothing
}

type NewDocument = Pick<StoredDocument, "document_id" | "parent_id" | "content" | "metadata">;
type Change = Partial<Pick<StoredDocument, "parent_id" | "content" | "metadata">>;

export interface DocumentStore {
  /** null: the id is taken. @throws UnstorableDocument */
  insert(document: NewDocument): Promise<number | null>;
  /** Keeps id and parent of what stands there already. @throws UnstorableDocument */
  upsert(document: NewDocument): Promise<{ readonly status: "created" | "updated"; readonly revision: number }>;
  /** `toChange` judges what stands there, deleted or not, and says what to overwrite. null: no such row. @throws UnstorableDocument */
  change<Refused>(
    id: string,
    toChange: (current: StoredDocument, deleted: boolean) => { readonly change: Change } | { readonly refused: Refused },
  ): Promise<{ readonly revision: number } | { readonly refused: Refused } | null>;
  remove(id: string): Promise<number | null>;
  read(id: string): Promise<StoredDocument | null>;
  list(prefix: string): Promise<readonly Omit<StoredDocument, "content">[]>;
  close(): Promise<void>;
}

/** `a/b` and `a__b` are one key, as in production. */
function toStorageKey(id: string): string {
  if (id.includes("\0")) throw new UnstorableDocument("A string literal cannot contain NUL (0x00) characters.");
  return id.replaceAll("/", "__");
}

/** Connects on first use and makes its table then; a server that is not up yet fails that call only. */
export function openStore(config: KnowledgeBaseServerConfig["database"]): DocumentStore {
  const { query, close } = openDatabase(config);
  const inTurn = oneAtATime();
  const readRow = async (key: string) => (await query<{ data: StoredDocument; deleted: boolean }>(statements.read, [key]))[0] ?? null;
  const requireStorable = async (key: string, document: object): Promise<void> => {
    if (!mayBeUnstorable(document)) return;
    await query(statements.cast, [toPythonJson(document)]).catch((error: unknown) => {
      throw new UnstorableDocument(toRefusalText(key, error));
    });
  };
  const create = async (key: string, document: NewDocument): Promise<number> => {
    await requireStorable(key, document);
    await query(statements.create, [key, JSON.stringify({ ...document, revision: 1 })]);
    return 1;
  };
  const overwrite = async (key: string, current: StoredDocument, change: Change): Promise<number> => {
    await requireStorable(key, change);
    const revision = toNumber(current.revision) + 1;
    await query(statements.change, [key, JSON.stringify({ ...change, revision })]);
    return revision;
  };
  return {
    insert: (document) => {
      const key = toStorageKey(document.document_id);
      return inTurn(key, async () => {
        const row = await readRow(key);
        return row !== null && !row.deleted ? null : await create(key, document);
      });
    },
    upsert: (document) => {
      const key = toStorageKey(document.document_id);
      return inTurn(key, async () => {
        const row = await readRow(key);
        if (row === null || row.deleted) return { status: "created", revision: await create(key, document) };
        const { content, metadata } = document;
        return { status: "updated", revision: await overwrite(key, row.data, { content, metadata }) };
      });
    },
    change: (id, toChange) => {
      const key = toStorageKey(id);
      return inTurn(key, async () => {
        const row = await readRow(key);
        if (row === null) return null;
        const judged = toChange(row.data, row.deleted);
        return "refused" in judged ? judged : { revision: await overwrite(key, row.data, judged.change) };
      });
    },
    remove: async (id) => {
      const [row] = await query<{ revision: string }>(statements.remove, [toStorageKey(id)]);
      return row === undefined ? null : Number(row.revision);
    },
    read: async (id) => {
      const row = await readRow(toStorageKey(id));
      return row === null || row.deleted ? null : row.data;
    },
    list: async (prefix) => (await query<{ data: Omit<StoredDocument, "content"> }>(statements.list, [prefix])).map(({ data }) => data),
    close,
  };
}

/** One after the other for a key; different keys do not wait for each other. */
function oneAtATime(): <Result>(key: string, work: () => Promise<Result>) => Promise<Result> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(work, work);
    const settled = mine.catch(() => undefined);
    last.set(key, settled);
    try {
      return await mine;
    } finally {
      if (last.get(key) === settled) last.delete(key);
    }
  };
}

function openDatabase(config: KnowledgeBaseServerConfig["database"]) {
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
  return { query, close: async () => await pool.end() };
}

const statements = {
  schema: readStatement("schema"),
  create: readStatement("create"),
  change: readStatement("change"),
  remove: readStatement("delete"),
  read: readStatement("read"),
  list: readStatement("list"),
  cast: readStatement("cast"),
} as const;

/** sql/ lies beside this file, and beside main.mjs in the bundle. */
function readStatement(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), "utf8");
}

/** Rows of an older version have a text, or nothing, for a revision. */
function toNumber(revision: unknown): number {
  const number = Number(revision ?? 0);
  return Number.isInteger(number) ? number : 0;
}

/** Only PostgreSQL decides; this keeps it from being asked about each large body. */
function mayBeUnstorable(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0") || !value.isWellFormed();
  if (typeof value === "number") return !Number.isFinite(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, part]) => mayBeUnstorable(key) || mayBeUnstorable(part));
}
