// stream-dump: one request on a socket, one pg_dump or pg_restore, its bytes and its exit code in frames. What may be asked is fixed: our
// tables, in an exported snapshot; and of an archive, its listing and its way into the scratch database, if our pg_dump gave it out.
import { spawn, type ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { backupTables } from "../../core/backup/tables.ts";
import { dumpRequestSchema, stderrBytesMax, type DumpSocketRequest } from "../../core/backup/dump-frames.ts";
import type { OrchestratorConfig } from "../../core/config-schema.ts";
import { CutterError } from "../../core/errors.ts";
import type { EnvName } from "../../core/host/secret-names.ts";
import { readRequestLine, sendExit, toSender, waitFor, type DumpConnection } from "./connection.ts";
import { DumpRecorder, readEmittedDump, recordEmittedDump } from "./emitted-dumps.ts";
import { feedArchive } from "./feed-archive.ts";
import type { Host } from "../files/host.ts";
import { writePasswordFile, type PasswordFile } from "./password-file.ts";
import {
  toDumpCommand,
  toListCommand,
  toPgDumpVersion,
  toProgramOptions,
  toRestoreCommand,
  toVersionCommand,
  type PgDumpTarget,
} from "./command.ts";
import { readConfig, readEnvValues } from "../files/settings.ts";
import { tryParseJson } from "../../core/encoding/try-parse-json.ts";

const versionBytesMax = 4096;

/** The whole environment of docker and pg_dump. HOME leads nowhere: no file of root's home may change what they do. */
const environment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/nonexistent", LC_ALL: "C" };

/**
 * Serves one connection and returns its exit code, which the client got in the X frame as well. When the client goes away, the program is
 * stopped. Refusals travel as an E frame with the code and X with its exit code; nothing is thrown at the client's choice.
 */
export async function serveDump(host: Host, socket: Duplex, path: string = environment.PATH): Promise<number> {
  const gone = new AbortController();
  socket.on("error", () => gone.abort());
  socket.on("close", () => gone.abort());
  const send = toSender(socket, gone.signal);
  try {
    const request = toDumpRequest(await readRequestLine(socket));
    socket.on("end", () => gone.abort());
    if (request.op === "list" || request.op === "restore") socket.pause(); // its bytes are the archive, and nobody reads them yet
    return await answerRequest(host, request, { socket, send, gone: gone.signal, path });
  } catch (error) {
    if (gone.signal.aborted) return 10;
    const refusal = error instanceof CutterError ? error : new CutterError("INTERNAL_BUG", { problem: "stream-dump" }, { cause: error });
    await send("E", Buffer.from(refusal.message).subarray(0, stderrBytesMax));
    await send("X", Buffer.from(JSON.stringify({ code: refusal.exitCode })));
    return refusal.exitCode;
  } finally {
    socket.end();
    socket.resume(); // what a refused client still sends goes nowhere, so that it reads the answer, and its end is seen
  }
}

async function answerRequest(host: Host, request: DumpSocketRequest, connection: DumpConnection): Promise<number> {
  const config = readConfig(host);
  await connection.send("V", Buffer.from(await readVersion(config.postgres_access, connection)));
  if (request.op === "version") return sendExit(connection.send, 0);
  if (request.op === "list")
    return feedArchive(
      toListCommand(config.postgres_access),
      toChildEnvironment(connection.path, null, "", false),
      readEmittedDump(host, request.sha256),
      connection,
    );
  return withTarget(host, config, { path: connection.path, writing: request.op === "restore" }, async (target, env) => {
    if (request.op === "dump") return stream(host, toDumpCommand(target, request.snapshot, request.tables), env, connection);
    return feedArchive(
      toRestoreCommand({ ...target, database: toScratch(config, target.database) }),
      env,
      readEmittedDump(host, request.sha256),
      connection,
    );
  });
}

/** The database's address by the host's env values, and the environment of a program that connects to it. */
async function withTarget<Result>(
  host: Host,
  config: OrchestratorConfig,
  { path, writing }: { readonly path: string; readonly writing: boolean },
  work: (target: PgDumpTarget, env: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result> {
  const values = readEnvValues(host, namesForDump(config), config);
  const valueOf = (name: EnvName): string => values.get(name)?.reveal() ?? "";
  const target = {
    access: config.postgres_access,
    host: valueOf("DOT_CUTTER_DB_HOST"),
    port: valueOf("DOT_CUTTER_DB_PORT"),
    database: valueOf("DOT_CUTTER_DB_NAME"),
  };
  const passwordFile =
    config.postgres_access.kind === "client"
      ? writePasswordFile(host, config.postgres_access.user, passwordOf(config.postgres_access.user, values))
      : null;
  try {
    return await work(target, toChildEnvironment(path, passwordFile, valueOf("DOT_CUTTER_DB_SSLMODE"), writing));
  } finally {
    passwordFile?.remove();
  }
}

/** From root's configuration, never from the client: a restore replaces tables. @throws CONFIG_INVALID */
function toScratch({ scratch_database: scratch }: OrchestratorConfig, production: string): string {
  if (scratch === null || scratch === production)
    throw new CutterError("CONFIG_INVALID", { reason: "scratch_database", scratch_database: scratch, production_database: production });
  return scratch;
}

/** @throws DUMP_REQUEST_REFUSED for anything but the known requests, and for any table that is not in the narrow backup. */
function toDumpRequest(line: string): DumpSocketRequest {
  const parsed = dumpRequestSchema.safeParse(tryParseJson(line));
  if (!parsed.success) throw new CutterError("DUMP_REQUEST_REFUSED", { problem: "not one of the known requests" });
  const request = parsed.data;
  if (request.op === "dump") {
    const foreign = request.tables.find((table) => !(backupTables as readonly string[]).includes(table));
    if (foreign !== undefined)
      throw new CutterError("DUMP_REQUEST_REFUSED", { problem: "a table outside the narrow backup", table: foreign });
  }
  return request;
}

/** The archive's record is kept before the exit code is told: whoever hears of a whole dump can have it listed. */
async function stream(
  host: Host,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  { send, gone }: DumpConnection,
): Promise<number> {
  const child = start(command, env, gone);
  let stderr = Buffer.alloc(0);
  child.stderr?.on("data", (bytes: Buffer) => {
    stderr = Buffer.concat([stderr, bytes]).subarray(0, stderrBytesMax);
  });
  const ended = waitFor(child);
  ended.catch(() => undefined); // awaited below, unless the client goes away first
  const recorder = new DumpRecorder();
  for await (const chunk of child.stdout ?? []) {
    const bytes = chunk as Buffer;
    recorder.take(bytes);
    await send("D", bytes);
  }
  const code = await ended;
  if (code === 0) recordEmittedDump(host, recorder.finish());
  if (stderr.length > 0) await send("E", stderr);
  return sendExit(send, code);
}

async function readVersion(access: OrchestratorConfig["postgres_access"], { gone, path }: DumpConnection): Promise<string> {
  const child = start(toVersionCommand(access), { ...environment, PATH: path }, gone);
  let output = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    output = (output + bytes.toString("utf8")).slice(0, versionBytesMax);
  });
  const code = await waitFor(child);
  const version = toPgDumpVersion(output);
  if (code !== 0 || version === null) throw new CutterError("DATABASE_UNREACHABLE", { step: "pg_dump --version", exit_code: code });
  return version;
}

function start(command: readonly string[], env: Readonly<Record<string, string>>, gone: AbortSignal): ChildProcess {
  const [file = "", ...args] = command;
  return spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"], signal: gone, killSignal: "SIGTERM" });
}

/** Only what this way of access needs. */
function namesForDump(config: OrchestratorConfig): readonly EnvName[] {
  const inContainer: readonly EnvName[] = ["DOT_CUTTER_DB_NAME"];
  return config.postgres_access.kind === "docker"
    ? inContainer
    : [
        ...inContainer,
        "DOT_CUTTER_DB_HOST",
        "DOT_CUTTER_DB_PORT",
        "DOT_CUTTER_DB_SSLMODE",
        ...logins.flatMap(({ user, password }) => [user, password]),
      ];
}

const logins = [
  { user: "DOT_CUTTER_READONLY_DB_USER", password: "DOT_CUTTER_READONLY_DB_PASSWORD" },
  { user: "DOT_CUTTER_VERIFY_DB_USER", password: "DOT_CUTTER_VERIFY_DB_PASSWORD" },
  { user: "DOT_CUTTER_EXEC_DB_USER", password: "DOT_CUTTER_EXEC_DB_PASSWORD" },
] as const;

function passwordOf(user: string, values: ReturnType<typeof readEnvValues>) {
  const login = logins.find((candidate) => values.get(candidate.user)?.reveal() === user);
  const password = login === undefined ? undefined : values.get(login.password);
  if (password === undefined) throw new CutterError("CONFIG_INVALID", { reason: "dump_access", user });
  return password;
}

function toChildEnvironment(
  path: string,
  passwordFile: PasswordFile | null,
  sslMode: string,
  writing: boolean,
): Readonly<Record<string, string>> {
  return {
    ...environment,
    PATH: path,
    ...(passwordFile === null
      ? {} // the container's client is given its options on docker's command line
      : { PGPASSFILE: passwordFile.path, PGSSLMODE: sslMode, PGAPPNAME: "cutter-dump", PGOPTIONS: toProgramOptions(writing) }),
  };
}
