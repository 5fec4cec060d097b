// From the host's env values to the settings of each login: strict, every field explicit, nothing from URLs or the environment.
import { CutterError } from "../../core/errors.ts";
import { Secret } from "../../core/host/secret.ts";
import type { EnvName } from "../../core/host/secret-names.ts";
import type { LoginName } from "../../ports/database.ts";

/** `require` encrypts without knowing the server; `verify-ca` and `verify-full` check it against the system's authorities. */
type SslMode = "disable" | "require" | "verify-ca" | "verify-full";

export interface LoginSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Secret;
  readonly sslMode: SslMode;
}

/** `governance` is null while no principal is pinned. */
export interface DatabaseSettings {
  readonly logins: Readonly<Record<Exclude<LoginName, "governance">, LoginSettings>> & { readonly governance: LoginSettings | null };
}

/** Logins somebody holds; one that is absent or null cannot be used (DATABASE_LOGIN_UNSET). */
export interface DatabaseLogins {
  readonly logins: Readonly<Partial<Record<LoginName, LoginSettings | null>>>;
}

/** Where the env values come from: the unit's credentials. */
export interface EnvSource {
  read(name: EnvName): Promise<Secret>;
  readPlain(name: EnvName): Promise<string>;
}

export type GovernancePrincipal = "cutter_exec" | "directus_secdef" | null;

/**
 * Settings of every login. With `directus_secdef` the governance login comes from DIRECTUS_SECDEF_DSN, which must name
 * that role and the same database. @throws DATABASE_SETTINGS_INVALID
 */
export async function readDatabaseSettings(env: EnvSource, governancePrincipal: GovernancePrincipal): Promise<DatabaseSettings> {
  const server = await readServer(env);
  const login = (userName: EnvName, passwordName: EnvName): Promise<LoginSettings> => readLogin(env, server, userName, passwordName);
  const cutterExec = await login("DOT_CUTTER_EXEC_DB_USER", "DOT_CUTTER_EXEC_DB_PASSWORD");
  return {
    logins: {
      context_pack_readonly: await login("DOT_CUTTER_READONLY_DB_USER", "DOT_CUTTER_READONLY_DB_PASSWORD"),
      cutter_exec: cutterExec,
      cutter_verify: await login("DOT_CUTTER_VERIFY_DB_USER", "DOT_CUTTER_VERIFY_DB_PASSWORD"),
      governance:
        governancePrincipal === null
          ? null
          : governancePrincipal === "cutter_exec"
            ? cutterExec
            : await readSecdefLogin(env, server.database),
    },
  };
}

/**
 * What a revert holds: the reader's login and its own, which must be the pinned principal's.
 * @throws REVERT_LOGIN_MISMATCH, and as above
 */
export async function readRevertSettings(
  env: EnvSource,
  principal: string,
): Promise<{ readonly reader: LoginSettings; readonly revert: LoginSettings }> {
  const server = await readServer(env);
  const revert = await readLogin(env, server, "DOT_CUTTER_REVERT_DB_USER", "DOT_CUTTER_REVERT_DB_PASSWORD");
  if (revert.user !== principal) throw new CutterError("REVERT_LOGIN_MISMATCH", { name: "DOT_CUTTER_REVERT_DB_USER", expected: principal });
  return { reader: await readLogin(env, server, "DOT_CUTTER_READONLY_DB_USER", "DOT_CUTTER_READONLY_DB_PASSWORD"), revert };
}

type Server = Pick<LoginSettings, "host" | "port" | "database" | "sslMode">;

async function readServer(env: EnvSource): Promise<Server> {
  return {
    host: toHost(await env.readPlain("DOT_CUTTER_DB_HOST"), "DOT_CUTTER_DB_HOST"),
    port: toPort(await env.readPlain("DOT_CUTTER_DB_PORT"), "DOT_CUTTER_DB_PORT"),
    database: toName(await env.readPlain("DOT_CUTTER_DB_NAME"), "DOT_CUTTER_DB_NAME"),
    sslMode: toSslMode(await env.readPlain("DOT_CUTTER_DB_SSLMODE"), "DOT_CUTTER_DB_SSLMODE"),
  };
}

async function readLogin(env: EnvSource, server: Server, userName: EnvName, passwordName: EnvName): Promise<LoginSettings> {
  return { ...server, user: toName(await env.readPlain(userName), userName), password: await env.read(passwordName) };
}

async function readSecdefLogin(env: EnvSource, database: string): Promise<LoginSettings> {
  const settings = parseDsn(await env.read("DIRECTUS_SECDEF_DSN"));
  if (settings.user !== "directus_secdef")
    throw new CutterError("DATABASE_SETTINGS_INVALID", {
      reason: "dsn",
      name: "DIRECTUS_SECDEF_DSN",
      part: "user",
      expected: "directus_secdef",
    });
  if (settings.database !== database)
    throw new CutterError("DATABASE_SETTINGS_INVALID", {
      reason: "dsn",
      name: "DIRECTUS_SECDEF_DSN",
      part: "database",
      expected: database,
    });
  return settings;
}

/** Our own parser, because drivers accept what they do not understand. Every part must stand there. @throws DATABASE_SETTINGS_INVALID */
export function parseDsn(dsn: Secret): LoginSettings {
  const found = /^postgres(?:ql)?:\/\/([^:@/?#\s]+):([^:@/?#\s]+)@([^:@/?#\s]+):([0-9]{1,5})\/([^/?#\s]+)\?sslmode=([a-z-]+)$/.exec(
    dsn.reveal(),
  );
  if (found === null) throw new CutterError("DATABASE_SETTINGS_INVALID", { reason: "dsn", name: "DIRECTUS_SECDEF_DSN", part: "shape" });
  const [, user = "", password = "", host = "", port = "", database = "", sslMode = ""] = found;
  return {
    user: toName(toDecoded(user, "user"), "DIRECTUS_SECDEF_DSN"),
    password: new Secret(toDecoded(password, "password")),
    host: toHost(toDecoded(host, "host"), "DIRECTUS_SECDEF_DSN"),
    port: toPort(port, "DIRECTUS_SECDEF_DSN"),
    database: toName(toDecoded(database, "database"), "DIRECTUS_SECDEF_DSN"),
    sslMode: toSslMode(sslMode, "DIRECTUS_SECDEF_DSN"),
  };
}

function toDecoded(text: string, part: string): string {
  try {
    const decoded = decodeURIComponent(text);
    if (!decoded.includes("\0")) return decoded;
  } catch {
    // not percent-encoding: refused below, without the value
  }
  throw new CutterError("DATABASE_SETTINGS_INVALID", { reason: "dsn", name: "DIRECTUS_SECDEF_DSN", part });
}

function toSslMode(text: string, name: string): SslMode {
  if (text === "disable" || text === "require" || text === "verify-ca" || text === "verify-full") return text;
  throw new CutterError("DATABASE_SETTINGS_INVALID", { reason: "sslmode", name });
}

/** A name or an address; a folder of sockets is none. */
function toHost(text: string, name: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)) return text;
  throw new CutterError("DATABASE_SETTINGS_INVALID", { name, part: "host" });
}

function toPort(text: string, name: string): number {
  const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new CutterError("DATABASE_SETTINGS_INVALID", { name, part: "port" });
  return port;
}

function toName(text: string, name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_$-]{0,62}$/.test(text)) return text;
  throw new CutterError("DATABASE_SETTINGS_INVALID", { name, part: "user or database" });
}
