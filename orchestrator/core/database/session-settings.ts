// The settings of a session of ours: pinned at connect, because ALTER DATABASE, ALTER ROLE and the configuration file reach every session;
// and those a login cannot pin, which are read and must be as the server ships them. Pure data, and the texts made of it.
import { toSqlLiteral } from "./sql-placeholders.ts";

/**
 * By name, in the form that is sent. Startup parameters of the client win over ALTER DATABASE, ALTER ROLE and postgresql.conf. Every one
 * of these exists in PostgreSQL 15 to 18, and a login without rights may set it.
 */
const pinned: Readonly<Record<string, string>> = {
  // what a name, a row and a role mean. row_security off: a policy that would hide rows is an error (42501) instead of silence.
  search_path: "pg_catalog,pg_temp",
  role: "none",
  row_security: "off",
  gin_fuzzy_search_limit: "0",
  // how text is read
  standard_conforming_strings: "on",
  backslash_quote: "safe_encoding",
  escape_string_warning: "on",
  array_nulls: "on",
  transform_null_equals: "off",
  xmloption: "content",
  timezone_abbreviations: "Default",
  // how values are written: each one changes a digest, or a definition that is compared
  TimeZone: "UTC",
  DateStyle: "ISO,YMD",
  IntervalStyle: "postgres",
  extra_float_digits: "1",
  bytea_output: "hex",
  xmlbinary: "base64",
  quote_all_identifiers: "off",
  lc_monetary: "C",
  lc_numeric: "C",
  lc_time: "C",
  // what a transaction is. A write needs to be asked for.
  default_transaction_read_only: "on",
  default_transaction_isolation: "read committed",
  default_transaction_deferrable: "off",
  synchronous_commit: "on",
  stats_fetch_consistency: "cache",
  // when a statement, a transaction or a session is cut off: each transaction sets its own limits
  statement_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  tcp_user_timeout: "0",
  exit_on_error: "off",
  // the server finds a client whose host is gone within a minute, so that its locks do not outlive it for hours
  tcp_keepalives_idle: "30",
  tcp_keepalives_interval: "10",
  tcp_keepalives_count: "3",
  client_connection_check_interval: "0",
  // what the canonical functions are compiled with
  local_preload_libraries: "",
  "plpgsql.check_asserts": "on",
  "plpgsql.extra_errors": "none",
  "plpgsql.extra_warnings": "none",
};

/** From PostgreSQL 17 on. A server that does not know one refuses the connection with 42704, and is asked without them. */
const pinnedSince17: Readonly<Record<string, string>> = { transaction_timeout: "0" };

/** Only a superuser sets these, for a role, a database or the server; our logins are none. Read back, refused by name. */
const required: Readonly<Record<string, string>> = {
  session_replication_role: "origin", // else triggers and foreign keys are off
  zero_damaged_pages: "off", // else rows of a damaged page vanish without an error
  ignore_checksum_failure: "off",
  "plpgsql.variable_conflict": "error", // else a name in a canonical function means another thing
};

/** The kernel's, not the server's: what is read back are the socket's own figures. */
const isOfTheSocket = (name: string): boolean => name.startsWith("tcp_");

/**
 * The startup packet's `options`, or PGOPTIONS of a program. `since17`: also what only newer servers know. `writing`: for a program that
 * writes without saying so in its BEGIN. Values are escaped as the server splits them.
 */
export function toStartupOptions({ since17, writing }: { readonly since17: boolean; readonly writing: boolean }): string {
  const settings = {
    ...pinned,
    ...(since17 ? pinnedSince17 : {}),
    ...(writing ? { default_transaction_read_only: "off" } : {}),
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, "\\$&")}`)
    .join(" ");
}

/** What every session of ours must find when it asks: the pinned settings that can be read back, and the required ones. */
export const expectedSettings: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({ ...pinned, ...pinnedSince17, ...required, client_encoding: "UTF8" }).filter(([name]) => !isOfTheSocket(name)),
);

/** Settings that a login cannot pin, with the only value that is put up with. */
export const requiredSettings = required;

/** Servers print lists with blanks behind the commas. Pure. */
export function isExpectedSetting(name: string, found: string | null): boolean {
  const normal = (value: string): string => value.replaceAll(", ", ",").toLowerCase();
  // null: this server has no such setting, or none has given it a value yet
  return found === null || normal(found) === normal(expectedSettings[name] ?? "");
}

/**
 * The same pins as the first statement of a psql script, for a psql whose environment is not ours to set. Prints nothing; names what is
 * missing on older servers to nobody. It must come before any text that a setting could change.
 */
export function toPinScript(): string {
  const rows = Object.entries({ ...pinned, ...pinnedSince17 }).filter(([name]) => name !== "role" && !name.startsWith("plpgsql."));
  const values = rows.map(([name, value]) => `(${toSqlLiteral(name)}, ${toSqlLiteral(value)})`).join(", ");
  return (
    `select pg_catalog.count(pg_catalog.set_config(p.name, p.value, false)) from (values ${values}) as p (name, value)\n` +
    `  where exists (select from pg_catalog.pg_settings s where s.name OPERATOR(pg_catalog.=) p.name) \\g /dev/null\n`
  );
}
