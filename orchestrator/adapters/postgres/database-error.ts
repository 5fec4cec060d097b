// From what the driver throws to our codes. Branches on SQLSTATE and the place in the server's source, never on text; keeps no message,
// because messages carry row values.
import { DatabaseError } from "pg";
import { CutterError, type Facts } from "../../core/errors.ts";
import type { Code } from "../../core/codes/index.ts";

/** Always a CutterError. No `cause`: the driver's message and detail hold values of rows. `statement` is a file below sql/. Pure. */
export function toDatabaseError(thrown: unknown, where: { readonly login: string; readonly statement: string }): CutterError {
  if (thrown instanceof CutterError) return thrown;
  if (!(thrown instanceof DatabaseError)) return new CutterError("DATABASE_UNREACHABLE", { ...where, reason: toReason(thrown) });
  const sqlState = thrown.code ?? "none";
  const disk = diskStates[sqlState];
  if (disk !== undefined)
    return new CutterError("DISK_FULL", { reason: disk, path: "of the database server", sqlstate: sqlState, ...where });
  const told = { ...where, sqlstate: sqlState, ...toNames(thrown) };
  if (sqlState === rightMissing && thrown.file === rowSecurityFile) return new CutterError("DATABASE_ROWS_HIDDEN", told);
  if (sqlState === connectionsFull) return new CutterError("DATABASE_CONNECTIONS_FULL", { ...told, limit_of: toLimitOf(thrown) });
  return new CutterError(toCode(sqlState), told);
}

const rightMissing = "42501";
/** Sessions run with row_security off: where a policy would hide rows the server refuses, with the state of a missing right. */
const rowSecurityFile = "rls.c";
const connectionsFull = "53300";

/** Whose limit was reached: the server tells it by the place in its source, which no language changes. */
function toLimitOf({ routine }: DatabaseError): "role" | "database" | "server" {
  if (routine === "InitializeSessionUserId") return "role";
  return routine === "CheckMyDatabase" ? "database" : "server";
}

/** The SQLSTATE of a server's error, or null for anything else. */
export function toSqlState(thrown: unknown): string | null {
  return thrown instanceof DatabaseError ? (thrown.code ?? null) : null;
}

/**
 * Once COMMIT was sent: only an error that is the server's plain refusal means a rollback. A broken line, an ended session or a server
 * going down leaves its fate open.
 */
export function isOutcomeUnknown(thrown: unknown): boolean {
  const sqlState = toSqlState(thrown);
  return sqlState === null || /^(?:08|57P|25P0)/.test(sqlState);
}

/** The server's own disk, which takes nothing more or fails: rolled back there, and gone on with once it is mended. */
const diskStates: Readonly<Record<string, string>> = { "53100": "ENOSPC", "58030": "EIO" };

const byState: Readonly<Record<string, Code>> = {
  "42501": "DATABASE_RIGHT_MISSING",
  "55P03": "DATABASE_LOCKED",
  "40P01": "DATABASE_LOCKED",
  "57014": "DATABASE_TIMEOUT",
  "25P03": "DATABASE_TIMEOUT",
  "25P04": "DATABASE_TIMEOUT",
  "3D000": "DATABASE_MISSING",
  "42P01": "DATABASE_OBJECT_MISSING",
  "42703": "DATABASE_OBJECT_MISSING",
  "42883": "DATABASE_OBJECT_MISSING",
  "3F000": "DATABASE_OBJECT_MISSING",
  // Out of memory or of a configured limit: passes by itself, as a server that is away does.
  "53000": "DATABASE_UNREACHABLE",
  "53200": "DATABASE_UNREACHABLE",
  "53400": "DATABASE_UNREACHABLE",
  "57P01": "DATABASE_UNREACHABLE",
  "57P02": "DATABASE_UNREACHABLE",
  "57P03": "DATABASE_UNREACHABLE",
};

function toCode(sqlState: string): Code {
  const code = byState[sqlState];
  if (code !== undefined) return code;
  if (sqlState.startsWith("08")) return "DATABASE_UNREACHABLE";
  if (sqlState.startsWith("28")) return "DATABASE_LOGIN_REFUSED";
  return "DATABASE_QUERY_FAILED";
}

function toNames(error: DatabaseError): Facts {
  const named = { schema: error.schema, table: error.table, constraint: error.constraint };
  return Object.fromEntries(Object.entries(named).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** The system's error code (ECONNREFUSED, …); other texts of the driver are not ours to print. */
function toReason(thrown: unknown): string {
  if (thrown instanceof AggregateError) return toReason(thrown.errors[0]);
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") return thrown.code;
  return "connection lost";
}
