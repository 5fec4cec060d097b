// Everything a revert meets: an embedded PostgreSQL with a document cut into it, the run's folder, a signed REVERT, a directory knowledge
// base. Backup and clock are fakes.
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDirectoryKb } from "./directory-kb.ts";
import { openJournalFile } from "../../../orchestrator/adapters/journal/journal-file.ts";
import { fileLocks } from "../../../orchestrator/adapters/lock/file-locks.ts";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { openProductionDatabase } from "../../../orchestrator/adapters/postgres/production-database.ts";
import { openRevertDatabase } from "../../../orchestrator/adapters/postgres/revert-database.ts";
import { orchestratorConfigSchema, type OrchestratorConfig } from "../../../orchestrator/core/config-schema.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { chainStart, toLine } from "../../../orchestrator/core/journal/chain.ts";
import { stagedFiles, type StagedRevert } from "../../../orchestrator/core/revert/staging.ts";
import { parseRunId } from "../../../orchestrator/core/run-id.ts";
import { Secret } from "../../../orchestrator/core/host/secret.ts";
import type { RevertInputs } from "../../../orchestrator/engine/revert/verify.ts";
import type { RevertPorts } from "../../../orchestrator/engine/revert/ports.ts";
import { revertRun } from "../../../orchestrator/engine/revert/revert.ts";
import type { BackupStore } from "../../../orchestrator/ports/backup.ts";
import type { KnowledgeBase } from "../../../orchestrator/ports/knowledge-base.ts";
import type { RevertDatabase } from "../../../orchestrator/ports/revert-database.ts";
import { cutRegistered, registerDocument, type CutDocument } from "../database/cut-by-sql.ts";
import { fastFolder } from "../fast-folder.ts";
import { FakeDumpSource } from "./fake-backup.ts";
import { FakeClock } from "./fake-clock.ts";
import type { GpgHome } from "../gpg.ts";
import type { TestPostgres } from "../database/postgres.ts";
import { toTestSettings } from "../database/production-database.ts";
import { exportKey, sign, toDocument } from "../approval-material.ts";

const host = sha256Hex("the host");
const release = sha256Hex("the release");
const runbook = readFileSync(join(import.meta.dirname, "../../../sql/lifecycle/rollback_runbook.sql"), "utf8");

export interface RevertWorld {
  readonly folder: string;
  readonly config: OrchestratorConfig;
  readonly document: CutDocument;
  readonly clock: FakeClock;
  readonly said: string[];
  readonly backups: string[]; // destinations
  readonly outage: { on: boolean };
  readonly ports: RevertPorts;
  /** A signed REVERT, staged as root would; change fields of the approval, or of what is staged. */
  stage(
    change?: Readonly<Record<string, unknown>>,
    options?: { readonly staged?: Partial<StagedRevert>; readonly signedBy?: string; readonly signedAt?: string; readonly runId?: string },
  ): RevertInputs;
  start(revert: RevertInputs, ports?: Partial<RevertPorts>): ReturnType<typeof revertRun>;
  readRevertFile(name: string): string;
  readKb(): Promise<string | null>;
  remove(): Promise<void>;
}

export interface WorldKeys {
  readonly home: GpgHome;
  readonly sovereign: string;
}

/** `cut: false`: registered only, so that a test cuts as far as it wants. The run's journal tells the counts before the cut. */
export async function makeRevertWorld(
  server: TestPostgres,
  keys: WorldKeys,
  options: { readonly cut: boolean } = { cut: true },
): Promise<RevertWorld> {
  const folder = mkdtempSync(join(fastFolder, "cutter-revert-"));
  for (const name of ["runs", "locks", "batches", "kb", "armed", "live", "staging"]) mkdirSync(join(folder, name), { mode: 0o700 });
  const { logins } = toTestSettings(server);
  const reader = logins.context_pack_readonly;
  const database = openProductionDatabase({ logins: { context_pack_readonly: reader } }, null);
  const document = await registerDocument(server);
  const census = await database.readTableCensus();
  if (options.cut) await cutRegistered(server, document);
  const runFolder = join(folder, "runs", document.runId);
  mkdirSync(runFolder, { mode: 0o700 });
  writeFileSync(join(runFolder, "plan.json"), document.planText);
  writeFileSync(
    join(runFolder, "journal.jsonl"),
    `${toLine({ kind: "census_before", system_identifier: "1", tables: census }, { seq: 0, at: "2026-11-22T09:00:00.000Z", prev: chainStart })}\n`,
  );
  const config = orchestratorConfigSchema.parse({
    sidecar_root: join(folder, "runs"),
    batch_dir: join(folder, "batches"),
    global_locks_dir: join(folder, "locks"),
    expected_grant_matrix_sha: "0".repeat(64),
    backup_gpg_fpr: "A".repeat(40),
    kb_base_url: "https://kb.example.org/api",
    kb_runs_folder: "knowledge/current-state/cutter-runs",
    kb_runs_index_path: "knowledge/current-state/cutter-runs/index.md",
    revert_principal: "cutter_revert",
    postgres_access: { kind: "docker", container: "postgres", user: "directus" },
  });
  const reverts: RevertDatabase = openRevertDatabase({
    reader,
    revert: { ...reader, user: "cutter_revert", password: new Secret(server.passwords.cutter_revert) },
  });
  const clock = new FakeClock();
  const said: string[] = [];
  const backups: string[] = [];
  const outage = { on: false };
  const stored = openDirectoryKb({ root: join(folder, "kb"), files: nodeFiles });
  const bootId = "b".repeat(32);
  const ports: RevertPorts = {
    database,
    reverts,
    clock,
    files: nodeFiles,
    knowledgeBase: withOutage(stored, outage),
    dumpSource: new FakeDumpSource(),
    backups: fakeBackups(backups),
    recorders: { lockDocument: () => Promise.resolve({ assertHeld: () => Promise.resolve(), release: () => Promise.resolve() }) },
    locks: fileLocks({ folder: config.global_locks_dir, clock, pid: process.pid, bootId }),
    process: { pid: process.pid, bootId },
    openJournal: openJournalFile,
    say: (line) => said.push(line),
  };
  const stage: RevertWorld["stage"] = (change = {}, { staged = {}, signedBy = keys.sovereign, signedAt, runId = document.runId } = {}) => {
    const approval = toDocument({
      schema: "cutter.approval/1",
      gate: "REVERT",
      decision: "approve",
      run_id: runId,
      document_id: document.documentId,
      phase: "cut_leg_a",
      payload_sha: document.payloadSha,
      review_decision_id: randomUUID(),
      issued_at: "2026-11-22T09:59:00Z",
      host,
      release_sha256: release,
      ...change,
    });
    const signature = sign(keys.home, approval, { key: signedBy, at: signedAt ?? "20261122T095930" });
    const key = exportKey(keys.home, keys.sovereign);
    const place = join(folder, "staging", runId);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, stagedFiles.approval), approval);
    return {
      runId: parseRunId(runId, { allowDryRunSuffix: false }),
      config,
      host,
      releaseSha256: release,
      approval,
      signature,
      runbook,
      paths: { armed: join(folder, "armed"), live: join(folder, "live"), staging: join(folder, "staging") },
      keys: { sovereign: { bytes: key, pin: { fingerprint: keys.sovereign, fileSha256: sha256Hex(key) } }, architect: null },
      staged: {
        schema: "cutter.revert-staged/1",
        run_id: runId,
        approval_sha256: sha256Hex(approval),
        signature_sha256: sha256Hex(signature),
        review_decision_id: randomUUID(),
        host,
        release_sha256: release,
        runbook_sha256: sha256Hex(runbook),
        sovereign: { fingerprint: keys.sovereign, file_sha256: sha256Hex(key) },
        spent_before: false,
        staged_at: "2026-11-22T10:00:00.000Z",
        ...staged,
      },
      signal: new AbortController().signal,
    };
  };
  return {
    folder,
    config,
    document,
    clock,
    said,
    backups,
    outage,
    ports,
    stage,
    start: (revert, change = {}) => revertRun(revert, { ...ports, ...change }),
    readRevertFile: (name) => readFileSync(join(runFolder, "revert", name), "utf8"),
    readKb: async () => (await stored.read(`knowledge/current-state/cutter-runs/${document.runId.toLowerCase()}/revert.md`))?.body ?? null,
    remove: async () => {
      await Promise.all([database.close(), reverts.close(), stored.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Keeps the dump's bytes where the ciphertext would be; what is proven of it is told by their digest. */
function fakeBackups(made: string[]): BackupStore {
  return {
    make: async (_permission, { dump, destination, recipientFingerprint }) => {
      const chunks: Buffer[] = [];
      for await (const chunk of dump.stream) chunks.push(chunk as Buffer);
      if ((await dump.exit).code !== 0) throw new CutterError("BACKUP_UNPROVEN", { pg_dump_exit: 1 });
      writeFileSync(destination, Buffer.concat(chunks), { mode: 0o600 });
      made.push(destination);
      const sha256 = createHash("sha256").update(Buffer.concat(chunks)).digest("hex");
      return {
        file: destination,
        ciphertextSha256: sha256,
        ciphertextBytes: Buffer.concat(chunks).length,
        plaintextSha256: sha256,
        recipientKeyIds: [recipientFingerprint.slice(-16)],
        archiveEntries: 1,
        restored: null,
      };
    },
  };
}

function withOutage(inner: KnowledgeBase, outage: { readonly on: boolean }): KnowledgeBase {
  const guard = <Result>(call: () => Promise<Result>): Promise<Result> =>
    outage.on ? Promise.reject(new CutterError("KB_UNAVAILABLE", { reason: "planned outage" })) : call();
  return { ...inner, read: (id) => guard(() => inner.read(id)), write: (document) => guard(() => inner.write(document)) };
}
