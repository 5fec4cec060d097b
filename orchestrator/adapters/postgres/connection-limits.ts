// Which limit of connections was reached, in numbers: asked through another login, because the refused one cannot ask.
import { CutterError } from "../../core/errors.ts";
import { endClient, openClient } from "./connection.ts";
import type { LoginSettings } from "./settings.ts";
import { readSql } from "./sql-files.ts";

const askTimeoutMs = 5_000;

interface LimitsRow extends Record<string, unknown> {
  readonly role_limit: number | null;
  readonly role_sessions: number;
  readonly database_limit: number | null;
  readonly database_sessions: number;
  readonly server_limit: number;
  readonly server_sessions: number;
}

/**
 * The same error with `role`, `limit` and `sessions`, if one of `others` is let in; else as it was. Anything but
 * DATABASE_CONNECTIONS_FULL goes through.
 */
export async function withLimits(thrown: unknown, refused: LoginSettings, others: readonly LoginSettings[]): Promise<unknown> {
  if (!(thrown instanceof CutterError) || thrown.code !== "DATABASE_CONNECTIONS_FULL") return thrown;
  for (const other of others.filter(({ user }) => user !== refused.user)) {
    const row = await readLimits(other, refused.user).catch(() => null);
    if (row === null) continue;
    const [limit, sessions] =
      thrown.facts["limit_of"] === "role"
        ? [row.role_limit, row.role_sessions]
        : thrown.facts["limit_of"] === "database"
          ? [row.database_limit, row.database_sessions]
          : [row.server_limit, row.server_sessions];
    return new CutterError("DATABASE_CONNECTIONS_FULL", { ...thrown.facts, role: refused.user, limit, sessions });
  }
  return thrown;
}

async function readLimits(login: LoginSettings, role: string): Promise<LimitsRow | null> {
  const { client, destroy } = await openClient(login, login.user, askTimeoutMs);
  const deadline = setTimeout(destroy, askTimeoutMs);
  try {
    const { rows } = await client.query<LimitsRow>({ text: readSql("connection-limits.sql"), values: [role] });
    return rows[0] ?? null;
  } finally {
    clearTimeout(deadline);
    await endClient(client, destroy);
  }
}
