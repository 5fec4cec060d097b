// The command line of pg_dump, by the way config says it is reached. Pure: builds argv and never runs. No shell anywhere, no secret in argv.
import type { OrchestratorConfig } from "../core/config-schema.ts";

export interface PgDumpTarget {
  readonly access: OrchestratorConfig["postgres_access"];
  readonly host: string; // used by kind: client only; inside the container the local socket is used
  readonly port: string;
  readonly database: string;
}

/** Of the server's own version where it is reached by docker exec. */
export function toVersionCommand(access: OrchestratorConfig["postgres_access"]): readonly string[] {
  return access.kind === "docker" ? ["docker", "exec", access.container, "pg_dump", "--version"] : [`${access.bin_dir}/pg_dump`, "--version"];
}

/**
 * --strict-names: without it a missing table gives exit code 0. Each table is quoted, because -t is a case-folding pattern.
 * --lock-wait-timeout: a dump must not queue behind somebody's lock, and others behind it.
 */
export function toDumpCommand(target: PgDumpTarget, snapshot: string, tables: readonly string[]): readonly string[] {
  const options = [
    "--format=custom", "--no-password", "--strict-names", "--lock-wait-timeout=30000", `--snapshot=${snapshot}`,
    `--username=${target.access.user}`, `--dbname=${target.database}`, ...tables.map((table) => `--table=${toPattern(table)}`),
  ];
  if (target.access.kind === "docker") return ["docker", "exec", target.access.container, "pg_dump", ...options];
  return [`${target.access.bin_dir}/pg_dump`, `--host=${target.host}`, `--port=${target.port}`, ...options];
}

/** pg_dump (PostgreSQL) 18.6 (Debian …) → 18.6; null for anything else. */
export function toPgDumpVersion(output: string): string | null {
  return /^pg_dump \(PostgreSQL\) (\d+(?:\.\d+)*)/.exec(output)?.[1] ?? null;
}

function toPattern(table: string): string {
  return table.split(".").map((part) => `"${part}"`).join(".");
}
