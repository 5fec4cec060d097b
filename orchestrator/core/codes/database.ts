// Codes of the database: connection, rights, objects, limits. What the phases' gates judge stands in phases.ts.
import type { CodeEntry } from "./entry.ts";

export const databaseCodes = {
  DATABASE_UNREACHABLE: {
    summary: "the database did not answer, or had no memory to spare",
    remedy:
      "check that the container postgres runs and that DOT_CUTTER_DB_HOST and DOT_CUTTER_DB_PORT are right; with a sqlstate the " +
      "server's log says what it ran out of; then start it again",
    exit: 10,
  },
  DATABASE_SETTINGS_INVALID: {
    summary: "a database setting in the env files is not usable: name says which, reason and part say why",
    remedy:
      "mend the named setting; its value is never shown. A DSN is postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=MODE " +
      "with every part, percent-encoded; sslmode is disable, require, verify-ca or verify-full",
    exit: 78,
  },
  DATABASE_AUTH_REFUSED: {
    summary: "the server asked for the password in a form that gives it away",
    remedy: "only SCRAM is answered; check that this is the right server and that its pg_hba.conf says scram-sha-256",
    exit: 10,
  },
  DATABASE_LOGIN_REFUSED: {
    summary: "the database refused the login",
    remedy: "compare the login's name and password in the env file with the role",
    exit: 10,
  },
  DATABASE_LOGIN_UNSET: {
    summary: "no login of this kind is configured",
    remedy: "pin orchestrator:governance_principal and put its credentials into the env file",
    exit: 10,
  },
  DATABASE_MISSING: { summary: "the server has no such database", remedy: "check DOT_CUTTER_DB_NAME", exit: 10 },
  DATABASE_ROWS_HIDDEN: {
    summary: "a login may not see every row of a table in scope: what it does not show proves nothing",
    remedy:
      "cutter contract check names the tables and their policies; switch row security off for the named table, or give the named " +
      "role BYPASSRLS, or put the ordinary table back in its place, or create the role that is missing; then run again",
    exit: 10,
  },
  DATABASE_SETTING_REFUSED: {
    summary: "a session of ours runs with a setting that changes what statements mean or when they are cut off",
    remedy:
      "source says where the value comes from: a superuser takes it back by ALTER ROLE … RESET, by ALTER DATABASE … RESET, or in the " +
      "server's configuration; a pooler that drops startup parameters is to be passed by; then run again",
    exit: 10,
  },
  DATABASE_SERVERS_DIFFER: {
    summary: "two logins of one run do not lead to the same database of the same server: login and other say which, part says what differs",
    remedy:
      "mend the host, port and database in the env files (DOT_CUTTER_DB_*, DIRECTUS_SECDEF_DSN) so that every login leads to the one " +
      "database; cutter connections tries each; if the server was started again in this moment, run again",
    exit: 10,
  },
  DATABASE_CONNECTIONS_FULL: {
    summary: "the server takes no further connection: the limit of the role, of the database or of the server is reached (limit_of)",
    remedy:
      "end sessions that are not needed (pg_stat_activity), or raise it: ALTER ROLE … CONNECTION LIMIT, ALTER DATABASE … CONNECTION " +
      "LIMIT, or max_connections; a run holds up to six connections of context_pack_readonly and one of each other login; then run again",
    exit: 10,
  },
  DATABASE_RIGHT_MISSING: {
    summary: "the login may not do this",
    remedy: "compare with sql/grants; the kit grants nothing itself",
    exit: 10,
  },
  DATABASE_OBJECT_MISSING: {
    summary: "the database lacks an object that the orchestrator relies on",
    remedy: "compare with cutter contract check",
    exit: 10,
  },
  DATABASE_LOCKED: {
    summary: "another session holds a lock, or this document's lock, for too long",
    remedy: "find the session in pg_stat_activity and start again when it is done",
    exit: 10,
  },
  DATABASE_TIMEOUT: {
    summary: "the database took too long for one statement",
    remedy: "look for load or a blocked disk on the server, then run again",
    exit: 10,
  },
  DATABASE_QUERY_FAILED: {
    summary: "the database refused a statement",
    remedy: "look up the SQLSTATE; the server's log has the whole message",
    exit: 10,
  },
  DATABASE_COMMIT_REFUSED: {
    summary: "COMMIT ended in a rollback",
    remedy: "nothing was written; look into the server's log and run again",
    exit: 10,
  },
  EFFECT_REFUSED: {
    summary: "the database refused a step's own work",
    remedy:
      "rolled back: nothing of this step was written; the reason comes from the database function or table: the facts carry its " +
      "message, and the server's log has more",
    exit: 10,
  },
  EFFECT_COUNT_WRONG: {
    summary: "the database did not do as many things as it was asked for",
    remedy: "rolled back: nothing of this step was written; compare the named numbers with the plan before anything else",
    exit: 10,
  },
  DOCUMENT_CLAIMED: {
    summary: "another session holds this document in the database, on this host or another",
    remedy: "wait until the named run has ended there, then start again",
    exit: 10,
  },
  DOCUMENT_LOCK_LOST: {
    summary: "the line that holds this document's lock broke",
    remedy: "start again: the run goes on where it stood",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
