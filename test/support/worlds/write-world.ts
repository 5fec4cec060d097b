// A test server with the adapters of a live run on it, and a document's steps as requests: for tests of what each step leaves and what
// breaks it.
import type { Client } from "pg";
import { openEvidence, type EvidenceLogs } from "../../../orchestrator/adapters/postgres/evidence.ts";
import { openProductionDatabase } from "../../../orchestrator/adapters/postgres/production-database.ts";
import { openRecorders } from "../../../orchestrator/adapters/postgres/recorders.ts";
import type { DatabaseSettings, LoginSettings } from "../../../orchestrator/adapters/postgres/settings.ts";
import { openWriteDatabase } from "../../../orchestrator/adapters/postgres/write-database.ts";
import type { WriteLimits } from "../../../orchestrator/adapters/postgres/write-transaction.ts";
import type { ProductionDatabase } from "../../../orchestrator/ports/database.ts";
import type { WriteDatabase } from "../../../orchestrator/ports/write-database.ts";
import { registerDocument } from "../database/cut-by-sql.ts";
import { toCutSteps, type CutSteps } from "../cut-steps.ts";
import { startPostgres, type TestPostgres } from "../database/postgres.ts";
import { toTestSettings } from "../database/production-database.ts";

export { sourceText } from "../cut-steps.ts";

/** Limits that end in the time of a test; what a test is not about stays long. */
const patient: WriteLimits = {
  connectTimeoutMs: 5_000,
  lockTimeoutMs: 20_000,
  statementTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  transactionTimeoutMs: 30_000,
  commitTimeoutMs: 20_000,
};

interface WriterOptions {
  readonly login?: Partial<LoginSettings>; // of every login: another port
  readonly limits?: Partial<WriteLimits>;
  readonly settings?: DatabaseSettings;
  /** Before the n-th look at the document's digest (1, 2). */
  readonly beforeDigest?: (look: number) => Promise<void>;
}

export interface WriteWorld extends CutSteps {
  readonly server: TestPostgres;
  readonly admin: Client;
  readonly database: ProductionDatabase;
  readonly evidence: EvidenceLogs;
  readonly recorders: ReturnType<typeof openRecorders>;
  writer(options?: WriterOptions): WriteDatabase;
  /** Resolves when a session of this role waits for a lock. */
  untilWaiting(role: string): Promise<void>;
  /** Sessions of this role now. */
  countSessions(role: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startWriteWorld(): Promise<WriteWorld> {
  const server = await startPostgres();
  const admin = await server.connect("workflow_admin");
  const settings = toTestSettings(server);
  const evidence = openEvidence();
  const database = openProductionDatabase(settings, "directus_secdef", evidence);
  const recorders = openRecorders(settings, "ab".repeat(32), { evidence });

  const writer = ({ login = {}, limits = {}, settings: given = settings, beforeDigest }: WriterOptions = {}): WriteDatabase => {
    const { logins } = given;
    const through = (one: LoginSettings): LoginSettings => ({ ...one, ...login });
    const changed = {
      logins: {
        context_pack_readonly: logins.context_pack_readonly,
        cutter_exec: through(logins.cutter_exec),
        cutter_verify: through(logins.cutter_verify),
        governance: logins.governance === null ? null : through(logins.governance),
      },
    };
    let looks = 0;
    const readDigest = async (documentId: string, addresses: readonly string[]) => {
      await beforeDigest?.(++looks);
      return await database.readDocumentDigest(documentId, addresses);
    };
    return openWriteDatabase(changed, readDigest, {
      sameServer: evidence.sameServer,
      limits: { quick: { ...patient, ...limits }, large: { ...patient, ...limits } },
    });
  };
  const steps = toCutSteps({ recorders, database, writeDatabase: writer(), register: () => registerDocument(server) });
  return {
    ...steps,
    server,
    admin,
    database,
    evidence,
    recorders,
    writer,
    untilWaiting: async (role) => {
      for (let waiting = 0; waiting === 0;)
        waiting = (await admin.query("select 1 from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'", [role])).rows.length;
    },
    countSessions: async (role) => (await admin.query("select 1 from pg_stat_activity where usename = $1", [role])).rows.length,
    stop: async () => {
      await Promise.allSettled([recorders.close(), database.close()]);
      await server.stop();
    },
  };
}
