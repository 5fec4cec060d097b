// stream-dump: one request on a socket, one pg_dump, its bytes and its exit code in frames. What may be asked is fixed: our tables, in an exported snapshot.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { backupTables } from "../core/backup-tables.ts";
import { dumpRequestSchema, encodeFrame, requestBytesMax, stderrBytesMax, type DumpSocketRequest, type FrameType } from "../core/dump-frames.ts";
import type { OrchestratorConfig } from "../core/config-schema.ts";
import { CutterError } from "../core/errors.ts";
import type { EnvName } from "../core/secret-names.ts";
import type { Host } from "./host.ts";
import { writePasswordFile, type PasswordFile } from "./password-file.ts";
import { toDumpCommand, toPgDumpVersion, toVersionCommand } from "./pg-dump-command.ts";
import { readConfig, readEnvValues } from "./settings.ts";

const requestDeadlineMs = 10_000;
const versionBytesMax = 4096;

/** The whole environment of docker and pg_dump. HOME leads nowhere: no file of root's home may change what they do. */
const environment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/nonexistent", LC_ALL: "C" };

/**
 * Serves one connection and returns its exit code, which the client got in the X frame as well. When the client goes away, pg_dump is stopped.
 * Refusals travel as an E frame with the code and X with its exit code; nothing is thrown at the client's choice.
 */
export async function serveDump(host: Host, socket: Duplex, path: string = environment.PATH): Promise<number> {
  const gone = new AbortController();
  socket.on("error", () => gone.abort());
  socket.on("close", () => gone.abort());
  const send = toSender(socket, gone.signal);
  try {
    const request = toRequest(await readLine(socket));
    socket.on("end", () => gone.abort());
    return await answer(host, request, { send, gone: gone.signal, path });
  } catch (error) {
    if (gone.signal.aborted) return 10;
    const refusal = error instanceof CutterError ? error : new CutterError("INTERNAL_BUG", { problem: "stream-dump" }, { cause: error });
    await send("E", Buffer.from(refusal.message).subarray(0, stderrBytesMax));
    await send("X", Buffer.from(JSON.stringify({ code: refusal.exitCode })));
    return refusal.exitCode;
  } finally {
    socket.end();
  }
}

type Send = (type: FrameType, payload: Uint8Array) => Promise<void>;
interface Line {
  readonly send: Send;
  readonly gone: AbortSignal;
  readonly path: string;
}

async function answer(host: Host, request: DumpSocketRequest, line: Line): Promise<number> {
  const config = readConfig(host);
  await line.send("V", Buffer.from(await readVersion(config.postgres_access, line)));
  if (request.op === "version") return sendExit(line.send, 0);
  const values = readEnvValues(host, namesForDump(config), config);
  const valueOf = (name: EnvName): string => values.get(name)?.reveal() ?? "";
  const target = { access: config.postgres_access, host: valueOf("DOT_CUTTER_DB_HOST"), port: valueOf("DOT_CUTTER_DB_PORT"), database: valueOf("DOT_CUTTER_DB_NAME") };
  const passwordFile = config.postgres_access.kind === "client" ? writePasswordFile(host, config.postgres_access.user, passwordOf(config.postgres_access.user, values)) : null;
  try {
    return await stream(toDumpCommand(target, request.snapshot, request.tables), toChildEnvironment(line.path, passwordFile, valueOf("DOT_CUTTER_DB_SSLMODE")), line);
  } finally {
    passwordFile?.remove();
  }
}

/** @throws DUMP_REQUEST_REFUSED for anything but the two requests, and for any table that is not in the narrow backup. */
export function toRequest(line: string): DumpSocketRequest {
  const parsed = dumpRequestSchema.safeParse(parseJson(line));
  if (!parsed.success) throw new CutterError("DUMP_REQUEST_REFUSED", { problem: "not one of the known requests" });
  const request = parsed.data;
  if (request.op === "dump") {
    const foreign = request.tables.find((table) => !(backupTables as readonly string[]).includes(table));
    if (foreign !== undefined) throw new CutterError("DUMP_REQUEST_REFUSED", { problem: "a table outside the narrow backup", table: foreign });
  }
  return request;
}

/** One line within the deadline; the socket flows on afterwards, so that its end is seen. */
function readLine(socket: Readable): Promise<string> {
  return new Promise((done, fail) => {
    let text = "";
    const refuse = (problem: string) => settle(() => fail(new CutterError("DUMP_REQUEST_REFUSED", { problem })));
    const timer = setTimeout(() => refuse("no whole request in time"), requestDeadlineMs);
    const onEnd = () => refuse("no whole request");
    const onData = (bytes: Buffer) => {
      text += bytes.toString("utf8");
      if (text.length > requestBytesMax) refuse("too long");
      else if (text.endsWith("\n")) settle(() => done(text));
      else if (text.includes("\n")) refuse("more than one request");
    };
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      socket.off("data", onData).off("end", onEnd).off("close", onEnd);
      socket.resume();
      finish();
    };
    socket.on("data", onData).on("end", onEnd).on("close", onEnd);
  });
}

async function stream(command: readonly string[], env: Readonly<Record<string, string>>, { send, gone }: Line): Promise<number> {
  const child = start(command, env, gone);
  let stderr = Buffer.alloc(0);
  child.stderr?.on("data", (bytes: Buffer) => {
    stderr = Buffer.concat([stderr, bytes]).subarray(0, stderrBytesMax);
  });
  const ended = waitFor(child);
  ended.catch(() => undefined); // awaited below, unless the client goes away first
  for await (const bytes of child.stdout ?? []) await send("D", bytes as Buffer);
  const code = await ended;
  if (stderr.length > 0) await send("E", stderr);
  return sendExit(send, code);
}

async function readVersion(access: OrchestratorConfig["postgres_access"], { gone, path }: Line): Promise<string> {
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

/** 255 for a death by signal: there is no exit code then, and 0 would be a lie. */
function waitFor(child: ChildProcess): Promise<number> {
  return new Promise((done, fail) => {
    child.once("error", (error) => fail(new CutterError("DATABASE_UNREACHABLE", { step: "start pg_dump" }, { cause: error })));
    child.once("close", (code) => done(code ?? 255));
  });
}

async function sendExit(send: Send, code: number): Promise<number> {
  await send("X", Buffer.from(JSON.stringify({ code })));
  return code;
}

function toSender(socket: Duplex, gone: AbortSignal): Send {
  return async (type, payload) => {
    gone.throwIfAborted();
    if (!socket.write(encodeFrame(type, payload))) await once(socket, "drain", { signal: gone });
  };
}

/** Only what this way of access needs. */
function namesForDump(config: OrchestratorConfig): readonly EnvName[] {
  const inContainer: readonly EnvName[] = ["DOT_CUTTER_DB_NAME"];
  return config.postgres_access.kind === "docker" ? inContainer : [...inContainer, "DOT_CUTTER_DB_HOST", "DOT_CUTTER_DB_PORT", "DOT_CUTTER_DB_SSLMODE", ...logins.flatMap(({ user, password }) => [user, password])];
}

const logins = [
  { user: "DOT_CUTTER_READONLY_DB_USER", password: "DOT_CUTTER_READONLY_DB_PASSWORD" },
  { user: "DOT_CUTTER_VERIFY_DB_USER", password: "DOT_CUTTER_VERIFY_DB_PASSWORD" },
  { user: "DOT_CUTTER_EXEC_DB_USER", password: "DOT_CUTTER_EXEC_DB_PASSWORD" },
] as const;

function passwordOf(user: string, values: ReturnType<typeof readEnvValues>) {
  const login = logins.find((candidate) => values.get(candidate.user)?.reveal() === user);
  const password = login === undefined ? undefined : values.get(login.password);
  if (password === undefined) throw new CutterError("DUMP_ACCESS_INVALID", { user });
  return password;
}

function toChildEnvironment(path: string, passwordFile: PasswordFile | null, sslMode: string): Readonly<Record<string, string>> {
  return { ...environment, PATH: path, ...(passwordFile === null ? {} : { PGPASSFILE: passwordFile.path, PGSSLMODE: sslMode, PGAPPNAME: "cutter-dump" }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
