// One login's connection: every field explicit, SCRAM or nothing, and READ ONLY transactions that end by telling whether they wrote.
import type { EventEmitter } from "node:events";
import { Client, type ClientConfig, type QueryResultRow } from "pg";
import { to as copyTo } from "pg-copy-streams";
import { CutterError } from "../../core/errors.ts";
import { toDatabaseError } from "./database-error.ts";
import type { EvidenceLog } from "./evidence.ts";
import type { LoginSettings } from "./settings.ts";
import { readSql } from "./sql-files.ts";

/** Limits of one transaction. `deadlineMs` cuts the line when the server does not even answer the others. */
export interface TransactionLimits {
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly deadlineMs: number;
}

/** What a transaction may do. `statement` is the file below sql/ and stands in errors. */
export interface ReadTransaction {
  readonly snapshotId: string | null; // of `exportSnapshot`
  query<Row extends QueryResultRow>(
    statement: string,
    values: readonly (string | readonly string[] | null)[],
    text?: string,
  ): Promise<readonly Row[]>;
  /** Streams COPY … TO STDOUT; gives each chunk to `take`. @returns the number of rows */
  copy(statement: string, text: string, take: (chunk: Buffer) => void): Promise<number>;
  /** Runs `attempt` in a savepoint that is always rolled back, so an error in it does not end the transaction. */
  inSavepoint<Result>(attempt: () => Promise<Result>): Promise<Result>;
}

/**
 * Startup options beat ALTER ROLE … SET: what changes a digest is pinned here, a write needs to be asked for, and a session that only holds
 * a lock is not ended for being idle. The server finds a client whose host is gone within a minute, so that its locks do not outlive it for
 * hours.
 */
const startupOptions = [
  "search_path=pg_catalog",
  "TimeZone=UTC",
  "DateStyle=ISO,YMD",
  "IntervalStyle=postgres",
  "extra_float_digits=1",
  "bytea_output=hex",
  "default_transaction_read_only=on",
  "idle_session_timeout=0",
  "tcp_keepalives_idle=30",
  "tcp_keepalives_interval=10",
  "tcp_keepalives_count=3",
]
  .map((setting) => `-c ${setting}`)
  .join(" ");

/** A connected client that gave its password to SCRAM only; `cut` ends the line at once. */
export interface OpenClient {
  readonly client: Client;
  readonly destroy: () => void;
}

const closeTimeoutMs = 5_000;

/**
 * `sessionName` is what pg_stat_activity calls it.
 * @throws DATABASE_UNREACHABLE, DATABASE_LOGIN_REFUSED, DATABASE_AUTH_REFUSED, DATABASE_MISSING
 */
export async function openReadConnection(
  settings: LoginSettings,
  evidence: EvidenceLog,
  connectTimeoutMs: number,
  sessionName?: string,
): Promise<ReadConnection> {
  const { client, destroy } = await openClient(settings, evidence.login, connectTimeoutMs, sessionName);
  return new ReadConnection(client, evidence, destroy);
}

/** Read-only by default: who writes says so in its BEGIN. `login` stands in errors. @throws as openConnection */
export async function openClient(
  settings: LoginSettings,
  login: string,
  connectTimeoutMs: number,
  sessionName = "cutter",
): Promise<OpenClient> {
  const client = new Client({ ...toClientConfig(settings, connectTimeoutMs), application_name: sessionName });
  const where = { login, statement: "connect" };
  let asked: string | null = null;
  client.on("error", () => undefined); // a line cut while idle is told by the next query
  const connected = client.connect();
  const wire = (client as unknown as { readonly connection: EventEmitter & { readonly stream: { destroy(error: Error): void } } })
    .connection;
  // whoever asks for the password itself, or for its MD5, is not answered: the line is cut before the driver hears of it
  for (const form of ["authenticationCleartextPassword", "authenticationMD5Password"]) {
    wire.removeAllListeners(form);
    wire.on(form, () => {
      asked = form;
      wire.stream.destroy(new Error("authentication refused"));
    });
  }
  try {
    await connected;
  } catch (error) {
    if (asked !== null)
      throw new CutterError("DATABASE_AUTH_REFUSED", {
        login,
        server_asked_for: asked === "authenticationMD5Password" ? "md5" : "cleartext",
      });
    throw toDatabaseError(error, where);
  }
  return { client, destroy: () => wire.stream.destroy(new Error("deadline")) };
}

/** Says goodbye; a line that does not answer is cut. Never throws. */
export async function endClient(client: Client, destroy: () => void): Promise<void> {
  const impatient = setTimeout(destroy, closeTimeoutMs);
  await client.end().catch(() => undefined);
  clearTimeout(impatient);
}

/** Fields left unset would fall back to PG* variables and ~/.pgpass, so none is. */
export function toClientConfig(settings: LoginSettings, connectTimeoutMs: number): ClientConfig {
  return {
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    password: () => settings.password.reveal(),
    ssl: toTls(settings),
    sslnegotiation: "postgres",
    client_encoding: "UTF8",
    application_name: "cutter",
    fallback_application_name: "cutter",
    options: startupOptions,
    replication: "false",
    enableChannelBinding: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: connectTimeoutMs,
  } as ClientConfig; // `replication` is read by the driver (it would take PGREPLICATION) and missing in its types
}

function toTls(settings: LoginSettings): ClientConfig["ssl"] {
  switch (settings.sslMode) {
    case "disable":
      return false;
    case "require":
      return { rejectUnauthorized: false, minVersion: "TLSv1.2" };
    case "verify-ca":
      return { rejectUnauthorized: true, minVersion: "TLSv1.2", checkServerIdentity: () => undefined };
    case "verify-full":
      return { rejectUnauthorized: true, minVersion: "TLSv1.2", servername: settings.host };
  }
}

/** One transaction at a time; others wait for their turn. */
export class ReadConnection {
  readonly #client: Client;
  readonly #evidence: EvidenceLog;
  readonly #cut: () => void;
  #turn: Promise<unknown> = Promise.resolve();
  /** Resolves when the line is gone, whoever ended it; the next use needs a new connection. */
  readonly lost: Promise<void>;

  constructor(client: Client, evidence: EvidenceLog, destroy: () => void) {
    this.#client = client;
    this.#evidence = evidence;
    this.#cut = destroy;
    this.lost = new Promise((resolve) => client.once("end", () => resolve()));
  }

  /** REPEATABLE READ, READ ONLY, limits set first, the transaction id asked last: also when `work` throws. */
  read<Result>(
    limits: TransactionLimits,
    work: (transaction: ReadTransaction) => Promise<Result>,
    options: { readonly exportSnapshot: boolean } = { exportSnapshot: false },
  ): Promise<Result> {
    const mine = this.#turn.then(() => this.#read(limits, work, options.exportSnapshot));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async close(): Promise<void> {
    await this.#turn;
    await endClient(this.#client, this.#cut);
  }

  async #read<Result>(
    limits: TransactionLimits,
    work: (transaction: ReadTransaction) => Promise<Result>,
    exportSnapshot: boolean,
  ): Promise<Result> {
    const deadline = setTimeout(this.#cut, limits.deadlineMs);
    const number = ++this.#evidence.transactions;
    try {
      await this.#command("begin isolation level repeatable read read only");
      this.#evidence.assigned.set(number, "unknown");
      await this.#query("transaction-limits.sql", [
        String(limits.lockTimeoutMs),
        String(limits.statementTimeoutMs),
        String(limits.idleTimeoutMs),
      ]);
      // before any savepoint: the server refuses to export from a subtransaction
      const [exported] = exportSnapshot ? await this.#query<{ id: string }>("phases/pre_write_backup/export-snapshot.sql", []) : [];
      const outcome = await this.#guard(() => work(this.#toTransaction(exported?.id ?? null)));
      const [last] = await this.#query<{ id: string | null }>("transaction-id.sql", []);
      if (last?.id === null) this.#evidence.assigned.delete(number);
      else if (last !== undefined) this.#evidence.assigned.set(number, last.id);
      await this.#command(outcome.failed ? "rollback" : "commit");
      if (outcome.failed) throw outcome.error;
      return outcome.result;
    } finally {
      clearTimeout(deadline);
    }
  }

  /**
   * A failed statement, told or swallowed, must not keep the transaction from answering its last question. What was read needs no
   * savepoint.
   */
  async #guard<Result>(
    work: () => Promise<Result>,
  ): Promise<{ readonly failed: false; readonly result: Result } | { readonly failed: true; readonly error: unknown }> {
    await this.#command("savepoint work");
    const outcome = await work().then(
      (result) => ({ failed: false, result }) as const,
      (error: unknown) => ({ failed: true, error }) as const,
    );
    await this.#command("rollback to savepoint work");
    return outcome;
  }

  #toTransaction(snapshotId: string | null): ReadTransaction {
    return {
      snapshotId,
      query: (statement, values, text) => this.#query(statement, values, text),
      copy: (statement, text, take) => this.#copy(statement, text, take),
      inSavepoint: async (attempt) => {
        await this.#command("savepoint attempt");
        try {
          return await attempt();
        } finally {
          await this.#command("rollback to savepoint attempt");
        }
      },
    };
  }

  async #query<Row extends QueryResultRow>(
    statement: string,
    values: readonly (string | readonly string[] | null)[],
    text?: string,
  ): Promise<readonly Row[]> {
    try {
      return (await this.#client.query<Row>({ text: text ?? readSql(statement), values: [...values] })).rows;
    } catch (error) {
      throw toDatabaseError(error, { login: this.#evidence.login, statement });
    }
  }

  async #copy(statement: string, text: string, take: (chunk: Buffer) => void): Promise<number> {
    try {
      const stream = this.#client.query(copyTo(text));
      for await (const chunk of stream) take(chunk as Buffer);
      return stream.rowCount;
    } catch (error) {
      throw toDatabaseError(error, { login: this.#evidence.login, statement });
    }
  }

  /** Transaction control. The tag is read: COMMIT of an aborted transaction "succeeds" as ROLLBACK. */
  async #command(text: string): Promise<void> {
    try {
      const { command } = await this.#client.query(text);
      if (text === "commit" && command !== "COMMIT")
        throw new CutterError("DATABASE_COMMIT_REFUSED", { login: this.#evidence.login, tag: command });
    } catch (error) {
      throw toDatabaseError(error, { login: this.#evidence.login, statement: text });
    }
  }
}
