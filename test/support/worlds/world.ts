// A whole world for the engine in one temporary folder: real files, journal, locks and a folder as knowledge base; the rest are fakes.
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { openDirectoryKb } from "./directory-kb.ts";
import { openJournalFile } from "../../../orchestrator/adapters/journal/journal-file.ts";
import { fileLocks } from "../../../orchestrator/adapters/lock/file-locks.ts";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { orchestratorConfigSchema, type OrchestratorConfig } from "../../../orchestrator/core/config-schema.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { EnginePorts } from "../../../orchestrator/engine/kernel/ports.ts";
import type { Run } from "../../../orchestrator/engine/kernel/attempt.ts";
import { runPhases } from "../../../orchestrator/engine/run.ts";
import { readKillSwitch } from "../../../orchestrator/kill-switch.ts";
import { decisionSteps } from "../../../orchestrator/phases/decisions.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import type { KnowledgeBase } from "../../../orchestrator/ports/knowledge-base.ts";
import type { RunEvent } from "../../../orchestrator/ports/reporter.ts";
import { fastFolder } from "../fast-folder.ts";
import { FakeBackupStore, FakeDumpSource, FakeEncryptor } from "./fake-backup.ts";
import { FakeClock } from "./fake-clock.ts";
import { quickFiles } from "./quick-files.ts";
import { FakeCut } from "./fake-cut.ts";
import { FakeDatabase, joinFakes } from "./fake-database.ts";

export const documentId = "knowledge/other/a-harmless-document.md";
export const documentBody = "Preamble.\n\n# One\n\nText.\n\n## Two\n\nMore.\n\n# Three\r\n\r\nEnd without newline";
export const runId = "run-1.dryrun";
const zeros = "0".repeat(64);

/** The knowledge base fails while this says so. */
interface Outage {
  on: "never" | "writes" | "always";
}

export interface World {
  readonly folder: string;
  readonly config: OrchestratorConfig;
  readonly database: FakeDatabase;
  readonly cut: FakeCut;
  readonly backups: FakeBackupStore;
  readonly dumpSource: FakeDumpSource;
  readonly clock: FakeClock;
  readonly events: RunEvent[];
  readonly outage: Outage;
  readonly ports: EnginePorts;
  readonly runFolder: string;
  toRun(change?: Partial<Run>): Run;
  start(change?: Partial<Run>): ReturnType<typeof runPhases>;
  readRunFile(name: string): Promise<string>;
  readKb(id: string): Promise<string | null>;
  remove(): Promise<void>;
}

export async function makeWorld(): Promise<World> {
  const folder = await mkdtemp(join(fastFolder, "cutter-world-"));
  for (const name of ["runs", "locks", "batches", "kb", "switch"]) await mkdir(join(folder, name), { mode: 0o700 });
  await openDirectoryKb({ root: join(folder, "kb"), files: quickFiles }).write({
    id: documentId,
    title: "A harmless document",
    body: documentBody,
    tags: [],
  });
  return openWorld(folder);
}

/**
 * The same world again, as another process finds it: files, journal, locks and knowledge base stand; the database is as it was in the
 * beginning, or `cut`'s rows as they stand.
 */
export function openWorld(folder: string, cut: FakeCut = new FakeCut()): World {
  const backups = new FakeBackupStore();
  const database = new FakeDatabase();
  joinFakes(cut, database);
  const dumpSource = new FakeDumpSource();
  const clock = new FakeClock();
  const events: RunEvent[] = [];
  const outage: Outage = { on: "never" };
  const config = orchestratorConfigSchema.parse({
    sidecar_root: join(folder, "runs"),
    batch_dir: join(folder, "batches"),
    global_locks_dir: join(folder, "locks"),
    expected_grant_matrix_sha: createHash("sha256").update(database.matrixText).digest("hex"),
    backup_gpg_fpr: "A".repeat(40),
    kb_base_url: "https://kb.example.org/api",
    kb_runs_folder: "knowledge/current-state/cutter-runs",
    kb_runs_index_path: "knowledge/current-state/cutter-runs/index.md",
    governance_principal: "directus_secdef",
    revert_principal: "cutter_revert",
    postgres_access: { kind: "docker", container: "postgres", user: "directus" },
  });
  const stored = openDirectoryKb({ root: join(folder, "kb"), files: quickFiles });
  const knowledgeBase = withOutage(stored, outage);
  const sha256 = createHash("sha256").update(documentBody).digest("hex");
  database.registry.set(documentId, {
    documentId,
    docCode: "harmless",
    sourceDocumentId: "11111111-1111-4111-8111-111111111111",
    sourceVersionId: "22222222-2222-4222-8222-222222222222",
    registeredSha256: sha256,
    registeredRevision: 1,
  });
  const places = { latch: join(folder, "switch/DISABLED"), armed: join(folder, "switch/armed"), live: join(folder, "switch/live") };
  const bootId = "b".repeat(32);
  const ports: EnginePorts = {
    database,
    knowledgeBase,
    dumpSource,
    encryptor: new FakeEncryptor(),
    recorders: cut.recorders,
    writeDatabase: cut.writeDatabase,
    backups,
    clock,
    files: quickFiles,
    locks: fileLocks({ folder: config.global_locks_dir, clock, pid: process.pid, bootId }),
    reporter: { report: (event) => events.push(event) },
    process: { pid: process.pid, bootId },
    openJournal: openJournalFile,
    readKillSwitch: () => readKillSwitch(nodeFiles, places, clock.now()),
    executionEnabled: () => Promise.resolve(false),
    readLiveToken: () => Promise.reject(new Error("no token")),
    notify: null,
  };
  const runFolder = join(config.sidecar_root, runId);
  const toRun = (change: Partial<Run> = {}): Run => ({
    facts: { runId, documentId, mode: "dryrun", config, approvals: {}, releaseVersion: "0.6.0", releaseSha256: zeros, hostIdentity: zeros },
    inputs: { request_sha256: zeros, config_sha256: zeros, release_sha256: zeros, host_identity: zeros },
    requestText: "schema: cutter.request/1\n",
    phases,
    decisions: decisionSteps,
    signal: new AbortController().signal,
    ...change,
  });
  return {
    folder,
    config,
    database,
    cut,
    backups,
    dumpSource,
    clock,
    events,
    outage,
    ports,
    runFolder,
    toRun,
    start: (change) => runPhases(toRun(change), ports),
    readRunFile: (name) => readFile(join(runFolder, name), "utf8"),
    readKb: async (id) => (await stored.read(id))?.body ?? null,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function withOutage(inner: KnowledgeBase, outage: Outage): KnowledgeBase {
  const refuseIf = (holds: boolean): void => {
    if (holds) throw new CutterError("KB_UNAVAILABLE", { reason: "planned outage" });
  };
  return {
    kind: inner.kind,
    read: async (id) => {
      refuseIf(outage.on === "always");
      return inner.read(id);
    },
    write: async (document) => {
      refuseIf(outage.on !== "never");
      return inner.write(document);
    },
    writeAt: async (document, revision) => {
      refuseIf(outage.on !== "never");
      return inner.writeAt(document, revision);
    },
    list: (prefix) => inner.list(prefix),
    close: () => inner.close(),
  };
}
