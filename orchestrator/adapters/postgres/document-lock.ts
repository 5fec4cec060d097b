// PostgreSQL's session lock on a document: the authority across hosts. It lives as long as this one connection, and the session says whose it is.
import type { Client } from "pg";
import { CutterError } from "../../core/errors.ts";
import type { HeldDocument } from "../../ports/recorders.ts";
import { openClient } from "./connection.ts";
import { toDatabaseError } from "./database-error.ts";
import type { LoginSettings } from "./settings.ts";
import { readSql } from "./sql-files.ts";

const connectTimeoutMs = 10_000;
const login = "context_pack_readonly";

/** @throws DOCUMENT_CLAIMED when another session holds it, DATABASE_* */
export async function holdDocument(settings: LoginSettings, { documentId, runId, hostIdentity }: { readonly documentId: string; readonly runId: string; readonly hostIdentity: string | null }): Promise<HeldDocument> {
  const { client } = await openClient(settings, login, connectTimeoutMs);
  try {
    await ask(client, "select set_config('application_name', $1, false), set_config('statement_timeout', '30s', false)", "session name", [`cutter ${runId}@${(hostIdentity ?? "unknown").slice(0, 8)}`]);
    const [answer] = await askFile<{ held: boolean }>(client, "locks/hold-document.sql", documentId);
    if (answer?.held !== true) {
      const [found] = await askFile<{ holder: string | null }>(client, "locks/document-holder.sql", documentId);
      throw new CutterError("DOCUMENT_CLAIMED", { document_id: documentId, holder: found?.holder ?? "unknown" });
    }
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return {
    assertHeld: async () => {
      const rows = await askFile<{ ours: boolean | null }>(client, "locks/document-holder.sql", documentId).catch(() => []);
      if (rows[0]?.ours !== true) throw new CutterError("DOCUMENT_LOCK_LOST", { document_id: documentId, run_id: runId });
    },
    release: async () => {
      await client.end().catch(() => undefined); // the session's end is the lock's
    },
  };
}

function askFile<Row extends Record<string, unknown>>(client: Client, statement: string, documentId: string): Promise<readonly Row[]> {
  return ask(client, readSql(statement), statement, [documentId]);
}

async function ask<Row extends Record<string, unknown>>(client: Client, text: string, statement: string, values: readonly string[]): Promise<readonly Row[]> {
  try {
    return (await client.query<Row>({ text, values: [...values] })).rows;
  } catch (error) {
    throw toDatabaseError(error, { login, statement });
  }
}
