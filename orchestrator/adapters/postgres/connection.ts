// One login's connection: every field explicit, SCRAM or nothing, and READ ONLY transactions that end by telling whether they wrote.
import type { EventEmitter } from "node:events";
import { Client, DatabaseError, type ClientConfig, type QueryResultRow } from "pg";
import { to as copyTo } from "pg-copy-streams";
import { expectedSettings, isExpectedSetting, toStartupOptions } from "../../core/database/session-settings.ts";
import { CutterError } from "../../core/errors.ts";
import { toDatabaseError } from "./database-error.ts";
import type { EvidenceLog } from "./evidence.ts";
import { type LastAnswer, requiredSettingNames, requireSettingsStill } from "./required-settings.ts";
import type { SessionPlace } from "./same-server.ts";
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

/** A connected client that gave its password to SCRAM only, and whose session runs with our settings; `destroy` ends the line at once. */
export interface OpenClient {
  readonly client: Client;
  readonly place: SessionPlace;
  readonly destroy: () => void;
  /** Why the line broke while nothing was asked, as the server or the system said; null as long as it stands. */
  readonly cause: () => unknown;
}

const closeTimeoutMs = 5_000;

/**
 * `sessionName` is what pg_stat_activity calls it.
 * @throws DATABASE_UNREACHABLE, DATABASE_LOGIN_REFUSED, DATABASE_AUTH_REFUSED, DATABASE_MISSING, DATABASE_CONNECTIONS_FULL,
 * DATABASE_SETTING_REFUSED, DATABASE_SERVERS_DIFFER
 */
export async function openReadConnection(
  settings: LoginSettings,
  evidence: EvidenceLog,
  connectTimeoutMs: number,
  sessionName?: string,
): Promise<ReadConnection> {
  const open = await openClient(settings, evidence.login, connectTimeoutMs, sessionName);
  const connection = new ReadConnection(open, evidence);
  try {
    evidence.sameServer?.admit(evidence.login, open.place, connection.lost);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Servers (host and port) that refused what only newer ones know: they are not asked for it again. */
const olderServers = new Set<string>();

/**
 * Read-only by default: who writes says so in its BEGIN. `login` stands in errors. The session's settings are read back before it is given
 * out: a pooler may drop what was sent, and some settings are not a login's to pin.
 * @throws as openReadConnection, but DATABASE_SERVERS_DIFFER
 */
export async function openClient(
  settings: LoginSettings,
  login: string,
  connectTimeoutMs: number,
  sessionName = "cutter",
): Promise<OpenClient> {
  const server = `${settings.host}:${String(settings.port)}`;
  const connect = (since17: boolean): Promise<Connected> =>
    connectOnce({ ...toClientConfig(settings, connectTimeoutMs, since17), application_name: sessionName }, login);
  const since17 = !olderServers.has(server);
  const open = await connect(since17).catch((error: unknown) => {
    if (!since17 || !(error instanceof CutterError) || error.facts["sqlstate"] !== settingUnknown) throw error;
    olderServers.add(server);
    return connect(false);
  });
  const deadline = setTimeout(open.destroy, connectTimeoutMs);
  try {
    return { ...open, place: await requireOurSettings(open, login, settings) };
  } catch (error) {
    await endClient(open.client, open.destroy);
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

type Connected = Omit<OpenClient, "place">;

const settingUnknown = "42704";

async function connectOnce(config: ClientConfig, login: string): Promise<Connected> {
  const client = new Client(config);
  const where = { login, statement: "connect" };
  let asked: string | null = null;
  let cause: unknown = null;
  client.on("error", (error) => {
    cause ??= error; // the server has said why; the next query would only say that it cannot ask
  });
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
  return { client, destroy: () => wire.stream.destroy(new Error("deadline")), cause: () => cause };
}

interface SettingRow {
  readonly name: string;
  readonly value: string | null;
  readonly source: string;
  readonly session_role: string;
  readonly current_role_name: string;
  readonly database: string;
  readonly database_oid: string;
  readonly server_started_at: string;
}

/** @throws DATABASE_SETTING_REFUSED for the first setting, or the role or the database, that is not ours */
async function requireOurSettings({ client }: Connected, login: string, { user, database }: LoginSettings): Promise<SessionPlace> {
  const statement = "session-settings.sql";
  const { rows } = await client
    .query<SettingRow>({ text: readSql(statement), values: [Object.keys(expectedSettings)] })
    .catch((error: unknown) => {
      throw toDatabaseError(error, { login, statement });
    });
  const [first] = rows;
  const refuse = (setting: string, expected: string, found: string, source: string): never => {
    throw new CutterError("DATABASE_SETTING_REFUSED", { login, setting, expected, found, source });
  };
  if (first === undefined) throw new Error("a session without settings");
  if (first.session_role !== user || first.current_role_name !== user)
    refuse("role", user, first.session_role === user ? first.current_role_name : first.session_role, "unknown");
  if (first.database !== database) refuse("database", database, first.database, "unknown");
  const foreign = rows.find(({ name, value }) => !isExpectedSetting(name, value));
  if (foreign !== undefined) refuse(foreign.name, expectedSettings[foreign.name] ?? "", foreign.value ?? "", foreign.source);
  return { databaseOid: first.database_oid, serverStartedAt: first.server_started_at };
}

/** Says goodbye; a line that does not answer is cut. Never throws. */
export async function endClient(client: Client, destroy: () => void): Promise<void> {
  const impatient = setTimeout(destroy, closeTimeoutMs);
  await client.end().catch(() => undefined);
  clearTimeout(impatient);
}

/** Fields left unset would fall back to PG* variables and ~/.pgpass, so none is. */
export function toClientConfig(settings: LoginSettings, connectTimeoutMs: number, since17 = true): ClientConfig {
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
    options: toStartupOptions({ since17, writing: false }),
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
  readonly #cause: () => unknown;
  #turn: Promise<unknown> = Promise.resolve();
  /** Resolves when the line is gone, whoever ended it; the next use needs a new connection. */
  readonly lost: Promise<void>;

  constructor({ client, destroy, cause }: OpenClient, evidence: EvidenceLog) {
    this.#client = client;
    this.#evidence = evidence;
    this.#cut = destroy;
    this.#cause = cause;
    this.lost = new Promise((resolve) => client.once("end", () => resolve()));
  }

  /**
   * REPEATABLE READ, READ ONLY, limits set first, the transaction id asked last: also when `work` throws.
   * @throws DATABASE_SETTING_REFUSED instead of what was read under a setting that is not ours any more
   */
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
      const [last] = await this.#query<LastAnswer<string | null>>("transaction-id.sql", [requiredSettingNames]);
      if (last?.id === null) this.#evidence.assigned.delete(number);
      else if (last !== undefined) this.#evidence.assigned.set(number, last.id);
      await this.#command(outcome.failed ? "rollback" : "commit");
      if (outcome.failed) throw outcome.error;
      if (last !== undefined) requireSettingsStill(last.settings, this.#evidence.login);
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
      throw this.#toError(error, statement);
    }
  }

  async #copy(statement: string, text: string, take: (chunk: Buffer) => void): Promise<number> {
    try {
      const stream = this.#client.query(copyTo(text));
      for await (const chunk of stream) take(chunk as Buffer);
      return stream.rowCount;
    } catch (error) {
      throw this.#toError(error, statement);
    }
  }

  /** Transaction control. The tag is read: COMMIT of an aborted transaction "succeeds" as ROLLBACK. */
  async #command(text: string): Promise<void> {
    try {
      const { command } = await this.#client.query(text);
      if (text === "commit" && command !== "COMMIT")
        throw new CutterError("DATABASE_COMMIT_REFUSED", { login: this.#evidence.login, tag: command });
    } catch (error) {
      throw this.#toError(error, text);
    }
  }
  /** A server that ended the session between two statements has said why, before the driver says that it cannot ask. */
  #toError(error: unknown, statement: string): CutterError {
    const known = error instanceof DatabaseError || error instanceof CutterError ? error : (this.#cause() ?? error);
    return toDatabaseError(known, { login: this.#evidence.login, statement });
  }
}
