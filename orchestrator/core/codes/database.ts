// Codes of the database: contract, grants, digests, backup.
import type { CodeEntry } from "./entry.ts";

export const databaseCodes = {
  DATABASE_UNREACHABLE: { summary: "the database did not answer", remedy: "check that the container postgres runs and that DOT_CUTTER_DB_HOST and DOT_CUTTER_DB_PORT are right", exit: 10 },
} as const satisfies Record<string, CodeEntry>;
