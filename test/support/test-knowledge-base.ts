// The sandbox's own knowledge base server for tests: on a throwaway PostgreSQL, with TLS under the name kb.test.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KnowledgeBaseServerConfig } from "../../provision/sandbox/knowledge-base/config.ts";
import { startKnowledgeBaseServer } from "../../provision/sandbox/knowledge-base/server.ts";
import type { TestPostgres } from "./database/postgres.ts";
import { makeTlsFiles } from "./hosts/tls-files.ts";

export interface TestKnowledgeBase {
  readonly baseUrl: string; // its name resolves nowhere: connect to `relay`
  readonly relay: { readonly address: string; readonly port: number };
  readonly caFile: string;
  readonly apiKey: string;
  readonly config: KnowledgeBaseServerConfig;
  readonly folder: string;
  /** What goes wrong from the next request on; null: nothing. */
  setFault(fault: Readonly<Record<string, unknown>> | null): void;
  setApiKey(key: string): void;
  stop(): Promise<void>;
}

/** Makes the database and its user at the first call for a server; several may share them. */
export async function startTestKnowledgeBase(
  postgres: TestPostgres,
  options: { readonly withoutKey?: boolean } = {},
): Promise<TestKnowledgeBase> {
  const folder = mkdtempSync(join(tmpdir(), "cutter-kb-"));
  const apiKey = randomBytes(24).toString("hex");
  const files = { apiKey: join(folder, "api-key"), password: join(folder, "password"), faults: join(folder, "faults.json") };
  const database = await ensureDatabase(postgres, files.password);
  writeFileSync(files.apiKey, `${apiKey}\n`, { mode: 0o600 });
  const tls = makeTlsFiles(folder, "kb.test");
  const config: KnowledgeBaseServerConfig = {
    listen: { address: "127.0.0.1", port: 0 },
    tls: { certFile: tls.certFile, keyFile: tls.keyFile },
    prefix: "/api",
    database,
    apiKeyFile: options.withoutKey === true ? null : files.apiKey,
    faultsFile: files.faults,
  };
  const server = await startKnowledgeBaseServer(config);
  return {
    baseUrl: "https://kb.test/api",
    relay: { address: "127.0.0.1", port: server.port },
    caFile: tls.caFile,
    apiKey,
    config,
    folder,
    setFault: (fault) => (fault === null ? rmSync(files.faults, { force: true }) : writeFileSync(files.faults, JSON.stringify(fault))),
    setApiKey: (key) => writeFileSync(files.apiKey, `${key}\n`),
    stop: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ensureDatabase(postgres: TestPostgres, passwordFile: string): Promise<KnowledgeBaseServerConfig["database"]> {
  const admin = await postgres.connect("workflow_admin");
  const password = postgres.passwords.directus; // the same at each call, so that servers may share the user
  const { rowCount } = await admin.query("select 1 from pg_roles where rolname = 'agent_data'");
  if (rowCount === 0) {
    await admin.query(`create role agent_data login password '${password}'`);
    await admin.query("create database agent_data owner agent_data template template0 encoding 'UTF8' locale 'C.UTF-8'");
  }
  await admin.end();
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  return { host: postgres.host, port: postgres.port, name: "agent_data", user: "agent_data", passwordFile };
}

/**
 * Holds a document's row until `writers` of other connections wait to write it: each has read it before, so each writes over what the
 * others write, as two processes of a server do.
 */
export async function whileRowIsHeld<Result>(
  postgres: TestPostgres,
  id: string,
  writers: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const holder = await postgres.connect("workflow_admin", { database: "agent_data" });
  const watcher = await postgres.connect("workflow_admin", { database: "agent_data" });
  try {
    await holder.query("begin");
    await holder.query("select 1 from public.kb_document where key = $1 for update", [id.replaceAll("/", "__")]);
    const working = work();
    for (let tries = 0, waiting = 0; waiting < writers; tries += 1) {
      if (tries === 5_000) throw new Error(`${String(waiting)} of ${String(writers)} writers wait`);
      const { rows } = await watcher.query<{ waiting: number }>(
        "select count(*)::int as waiting from pg_stat_activity where datname = 'agent_data' and wait_event_type = 'Lock'",
      );
      waiting = rows[0]?.waiting ?? 0;
    }
    await holder.query("commit");
    return await working;
  } finally {
    await holder.end();
    await watcher.end();
  }
}
