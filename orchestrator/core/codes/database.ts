// Codes of the database: contract, grants, digests, backup.
import type { CodeEntry } from "./entry.ts";

export const databaseCodes = {
  DATABASE_UNREACHABLE: { summary: "the database did not answer", remedy: "check that the container postgres runs and that DOT_CUTTER_DB_HOST and DOT_CUTTER_DB_PORT are right", exit: 10 },
  DUMP_UNREACHABLE: { summary: "the helper that runs pg_dump does not answer", remedy: "look at systemctl status cutter-dump.socket and at orchestrator:postgres_access", exit: 10 },
  DUMP_STREAM_BROKEN: { summary: "the dump did not arrive whole", remedy: "nothing was written; look at the journal of cutter-dump@ on the host and run again", exit: 10 },
} as const satisfies Record<string, CodeEntry>;
