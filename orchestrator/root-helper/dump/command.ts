// The command lines of pg_dump and pg_restore, by the way config says it is reached. Pure: builds argv and never runs. No shell anywhere,
// no secret in argv.
import type { OrchestratorConfig } from "../../core/config-schema.ts";
import { toStartupOptions } from "../../core/database/session-settings.ts";

export interface PgDumpTarget {
  readonly access: OrchestratorConfig["postgres_access"];
  readonly host: string; // used by kind: client only; inside the container the local socket is used
  readonly port: string;
  readonly database: string;
}

/** Of the server's own version where it is reached by docker exec. */
export function toVersionCommand(access: OrchestratorConfig["postgres_access"]): readonly string[] {
  return access.kind === "docker"
    ? ["docker", "exec", access.container, "pg_dump", "--version"]
    : [`${access.bin_dir}/pg_dump`, "--version"];
}

/**
 * Of the sessions of pg_dump and pg_restore: what ALTER DATABASE and ALTER ROLE say does not reach them. transaction_timeout is left to
 * pg_dump, which sets it itself from 17 on: an older server would refuse the name.
 */
export function toProgramOptions(writing: boolean): string {
  return toStartupOptions({ since17: false, writing });
}

/**
 * --strict-names: without it a missing table gives exit code 0. Each table is quoted, because -t is a case-folding pattern.
 * --lock-wait-timeout: a dump must not queue behind somebody's lock, and others behind it.
 */
export function toDumpCommand(target: PgDumpTarget, snapshot: string, tables: readonly string[]): readonly string[] {
  const options = [
    "--format=custom",
    "--no-password",
    "--strict-names",
    "--lock-wait-timeout=30000",
    `--snapshot=${snapshot}`,
    `--username=${target.access.user}`,
    `--dbname=${target.database}`,
    ...tables.map((table) => `--table=${toPattern(table)}`),
  ];
  if (target.access.kind === "docker")
    return ["docker", "exec", "--env", `PGOPTIONS=${toProgramOptions(false)}`, target.access.container, "pg_dump", ...options];
  return [`${target.access.bin_dir}/pg_dump`, `--host=${target.host}`, `--port=${target.port}`, ...options];
}

/** pg_dump (PostgreSQL) 18.6 (Debian …) → 18.6; null for anything else. */
export function toPgDumpVersion(output: string): string | null {
  return /^pg_dump \(PostgreSQL\) (\d+(?:\.\d+)*)/.exec(output)?.[1] ?? null;
}

/** Needs no database: in a container it runs as nobody, and reads the archive from stdin. */
export function toListCommand(access: OrchestratorConfig["postgres_access"]): readonly string[] {
  return access.kind === "docker"
    ? ["docker", "exec", "--interactive", "--user=65534:65534", access.container, "pg_restore", "--list"]
    : [`${access.bin_dir}/pg_restore`, "--list"];
}

/**
 * Into the scratch database, in one transaction. Tables and rows only: indexes, foreign keys and triggers would need functions and tables
 * the narrow backup does not bring.
 */
export function toRestoreCommand(target: PgDumpTarget): readonly string[] {
  const options = [
    "--clean",
    "--if-exists",
    "--no-owner",
    "--no-privileges",
    "--exit-on-error",
    "--single-transaction",
    "--section=pre-data",
    "--section=data",
    "--no-password",
    `--username=${target.access.user}`,
    `--dbname=${target.database}`,
  ];
  if (target.access.kind === "docker") {
    const environment = ["--env", `PGOPTIONS=${toProgramOptions(true)}`];
    return ["docker", "exec", "--interactive", ...environment, target.access.container, "pg_restore", ...options];
  }
  return [`${target.access.bin_dir}/pg_restore`, `--host=${target.host}`, `--port=${target.port}`, ...options];
}

function toPattern(table: string): string {
  return table
    .split(".")
    .map((part) => `"${part}"`)
    .join(".");
}
