// The connection of one write transaction: it knows when and how its line was lost, and waits for nothing for ever.
import { DatabaseError, type QueryResult } from "pg";
import { CutterError } from "../../core/errors.ts";
import { endClient, openClient } from "./connection.ts";
import { toDatabaseError } from "./database-error.ts";
import type { SameServer } from "./same-server.ts";
import type { LoginSettings } from "./settings.ts";

export interface WriteConnection {
  /** What ended the line while nothing was asked; null as long as it stands. */
  lost(): CutterError | null;
  /** @throws what the driver throws */
  query(text: string, values?: readonly (string | number | null | readonly string[])[]): Promise<QueryResult>;
  /** @throws DATABASE_*; `statement` stands in the error */
  ask(statement: string, text: string, values?: readonly (string | number | null | readonly string[])[]): Promise<QueryResult>;
  /** The line is cut when `work` takes longer: then the server rolls back, unless COMMIT was sent. */
  within<Result>(timeoutMs: number, work: () => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** `sameServer`: where the run's other sessions are. @throws as openReadConnection */
export async function openWriteConnection(
  settings: LoginSettings,
  login: string,
  connectTimeoutMs: number,
  sameServer: SameServer,
): Promise<WriteConnection> {
  const { client, place, destroy } = await openClient(settings, login, connectTimeoutMs);
  let cause: unknown = null;
  let late: CutterError | null = null;
  client.on("error", (error) => {
    cause ??= error;
  });
  client.on("end", () => {
    cause ??= new Error("connection lost");
  });
  try {
    sameServer.admit(login, place, new Promise((resolve) => client.once("end", () => resolve())));
  } catch (error) {
    await endClient(client, destroy);
    throw error;
  }
  const query = (text: string, values: readonly (string | number | null | readonly string[])[] = []): Promise<QueryResult> =>
    client.query({ text, values: [...values] });
  return {
    lost: () => late ?? (cause === null ? null : toDatabaseError(cause, { login, statement: "between two statements" })),
    query,
    ask: (statement, text, values) =>
      query(text, values).catch((error: unknown) => {
        // A server that ended the session between two statements has said why; the driver only says that it cannot ask.
        throw late ?? toDatabaseError(error instanceof DatabaseError ? error : (cause ?? error), { login, statement });
      }),
    within: async (timeoutMs, work) => {
      const deadline = setTimeout(() => {
        late = new CutterError("DATABASE_TIMEOUT", { login, limit_ms: timeoutMs });
        destroy();
      }, timeoutMs);
      try {
        return await work();
      } finally {
        clearTimeout(deadline);
      }
    },
    close: () => endClient(client, destroy),
  };
}
