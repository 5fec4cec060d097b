// All sessions of a run lead to one database of one server: a login that leads elsewhere would read or write where nobody looks.
import { CutterError } from "../../core/errors.ts";

/** Where a session is, as its server says: names and ports do not tell, and a restored copy has the same system identifier. */
export interface SessionPlace {
  readonly databaseOid: string;
  readonly serverStartedAt: string; // ISO 8601 UTC, microseconds
}

export interface SameServer {
  /**
   * `gone`: when the session has ended, and is compared with no more, since the server may start again; without it, it is always compared.
   * @throws DATABASE_SERVERS_DIFFER
   */
  admit(login: string, place: SessionPlace, gone?: Promise<void>): void;
}

export function openSameServer(): SameServer {
  const admitted = new Set<{ readonly login: string; readonly place: SessionPlace }>();
  return {
    admit: (login, place, gone) => {
      for (const other of admitted) requireSame(login, place, other);
      const session = { login, place };
      admitted.add(session);
      void gone?.then(() => admitted.delete(session));
    },
  };
}

function requireSame(login: string, place: SessionPlace, other: { readonly login: string; readonly place: SessionPlace }): void {
  const differs = (part: string, expected: string, found: string): never => {
    throw new CutterError("DATABASE_SERVERS_DIFFER", { login, other: other.login, part, expected, found });
  };
  const { databaseOid, serverStartedAt } = other.place;
  if (place.serverStartedAt !== serverStartedAt) differs("server, by the time it was started", serverStartedAt, place.serverStartedAt);
  if (place.databaseOid !== databaseOid) differs("database, by its oid", databaseOid, place.databaseOid);
}
