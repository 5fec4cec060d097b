// The only file that knows both ports and adapters: what the process edge gives becomes the services of the commands.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { openAgentData } from "./adapters/agent-data/agent-data.ts";
import type { SlowCall } from "./adapters/agent-data/transport.ts";
import { credentialsFolder } from "./adapters/credentials/credentials-folder.ts";
import { archiveSocket } from "./adapters/dump-socket/archive-socket.ts";
import { dumpSocket } from "./adapters/dump-socket/dump-socket.ts";
import { gpgBackupStore } from "./adapters/gpg/backup-store.ts";
import { gpgEncryptor } from "./adapters/gpg/gpg-encryptor.ts";
import { isInUnit, readHostIdentity, readRelease } from "./adapters/host-facts/host-facts.ts";
import { readUnitState } from "./adapters/host-facts/unit-state.ts";
import { readHelper } from "./adapters/host-facts/read-helper.ts";
import { openJournalFile } from "./adapters/journal/journal-file.ts";
import { fileLocks } from "./adapters/lock/file-locks.ts";
import { readBootId } from "./adapters/lock/process-facts.ts";
import { nodeFiles } from "./adapters/node-files/node-files.ts";
import { lockDocument } from "./adapters/postgres/session-lock.ts";
import { openEvidence } from "./adapters/postgres/evidence.ts";
import { openProductionDatabase } from "./adapters/postgres/production-database.ts";
import { openRecorders } from "./adapters/postgres/recorders.ts";
import { openRevertDatabase } from "./adapters/postgres/revert-database.ts";
import { openScratchDatabase } from "./adapters/postgres/scratch-database.ts";
import { readDatabaseSettings, readRevertSettings, type DatabaseSettings, type LoginSettings } from "./adapters/postgres/settings.ts";
import { openSameServer } from "./adapters/postgres/same-server.ts";
import { tryLogin } from "./adapters/postgres/try-login.ts";
import { openWriteDatabase } from "./adapters/postgres/write-database.ts";
import { notifyCommand } from "./adapters/process/notify-command.ts";
import { jsonReporter, lineReporter, terminalReporter } from "./adapters/reporter/reporters.ts";
import { systemClock } from "./adapters/system-clock/system-clock.ts";
import type { Services } from "./cli/context.ts";
import { backupTables } from "./core/backup/tables.ts";
import type { OrchestratorConfig } from "./core/config-schema.ts";
import { CutterError } from "./core/errors.ts";
import { restoreProofArchive } from "./core/gaps/restore-proof.ts";
import type { TriedConnection } from "./core/host/connections.ts";
import { hostLayout, kbRelay, startResultName } from "./core/host/layout.ts";
import { readLiveToken, tokenVerifier } from "./trust/live-token.ts";
import { executionEnabled, readKillSwitch } from "./kill-switch.ts";
import type { ProductionDatabase } from "./ports/database.ts";
import type { KnowledgeBase } from "./ports/knowledge-base.ts";

/** What the operating system gave this process. */
export interface Edge {
  readonly argv: readonly string[]; // without node and the program
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly pid: number;
  readonly moduleFolder: string; // bin/ in a release
  readonly terminal: boolean; // stdout is one
  readonly signal: AbortSignal;
  readonly readInput: () => Promise<Uint8Array>; // stdin to its end, bounded
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const kbTimeoutMs = 30_000;
const dumpIdleMs = 120_000;
const archiveIdleMs = 600_000; // a restore says nothing until it has committed

export function composeServices(edge: Edge): Services {
  const { latch, armed, live, config, requests, results, ownership, keys, rollbackRunbook, revertStaging } = hostLayout;
  const startFolder = edge.environment["RUNTIME_DIRECTORY"];
  const paths = {
    latch,
    armed,
    live,
    config,
    requests,
    results,
    ownership,
    keys,
    restoreProofs: restoreProofArchive.folder,
    rollbackRunbook,
    revertStaging,
    startResult: startFolder === undefined ? null : join(startFolder, startResultName),
  };
  const credentials = credentialsFolder(edge.environment["CREDENTIALS_DIRECTORY"]);
  const tokenPaths = { ...paths, ownerUid: 0 };
  const verifyToken = tokenVerifier({
    files: nodeFiles,
    paths: tokenPaths,
    clock: systemClock,
    readReleaseSha256: async () => (await readRelease(edge.moduleFolder)).sha256,
    readHostIdentity,
  });
  const enabled = (runId: string) => executionEnabled(runId, { files: nodeFiles, paths, verifyToken });
  const openDatabase = async (settings: OrchestratorConfig, evidence = openEvidence()): Promise<ProductionDatabase> =>
    openProductionDatabase(await readDatabaseSettings(credentials, settings.governance_principal), settings.governance_principal, evidence);
  const openKnowledgeBase = async (settings: OrchestratorConfig, onSlow: (slow: SlowCall) => void) =>
    openAgentData({
      baseUrl: settings.kb_base_url,
      caFile: settings.kb_ca_file,
      apiKey: await credentials.read("AGENT_DATA_API_KEY"),
      relay: kbRelay,
      timeoutMs: kbTimeoutMs,
      onSlow,
      signal: edge.signal,
    });
  // a unit's own folder is on tmpfs and goes with it, whatever happens: the place for the key of one run
  const gpg = { homeParent: startFolder ?? "/tmp", clock: systemClock, signal: edge.signal };
  const openBackups = (settings: OrchestratorConfig, reader: LoginSettings) =>
    gpgBackupStore({
      ...gpg,
      archives: archiveSocket({ path: hostLayout.dumpSocket, idleMs: archiveIdleMs, signal: edge.signal }),
      tables: backupTables,
      scratch: settings.scratch_database === null ? null : openScratchDatabase(settings.scratch_database, reader),
    });
  return {
    paths,
    files: nodeFiles,
    clock: systemClock,
    signal: edge.signal,
    readRelease: () => readRelease(edge.moduleFolder),
    readHostIdentity,
    readUnit: (runId) => readUnitState(runId),
    isInRunUnit: (runId) => isInUnit("cutter-run", runId, edge.environment),
    isInRevertUnit: (runId) => isInUnit("cutter-revert", runId, edge.environment),
    executionEnabled: enabled,
    runAsCutter: async () => (edge.uid === 0 ? await runHelper(edge, ["run-as-cutter", "--", ...edge.argv]) : null),
    runAsCutterWith: async (args, input) => (edge.uid === 0 ? await runHelper(edge, ["run-as-cutter", "--", ...args], input) : null),
    readInput: edge.readInput,
    readHostFactsText: () => readHelper(toHelper(edge), ["host-facts"], toHelperEnvironment(edge)),
    readConnectionsText: () =>
      readHelper(toHelper(edge), ["run-as-cutter", "--", "connections", "--json"], toHelperEnvironment(edge)).catch(() => null),
    tryConnections: async (settings) => [
      ...(await tryLogins(() => readDatabaseSettings(credentials, settings.governance_principal))),
      await tryKnowledgeBase(() => openKnowledgeBase(settings, () => undefined), settings.kb_runs_index_path),
    ],
    openDatabase,
    openEngine: async (settings, reporter) => {
      const evidence = openEvidence();
      const database = await openDatabase(settings, evidence);
      const databaseSettings = await readDatabaseSettings(credentials, settings.governance_principal);
      const recorders = openRecorders(databaseSettings, await readHostIdentity(), { evidence });
      const writeDatabase = openWriteDatabase(
        databaseSettings,
        (documentId, plannedAddresses) => database.readDocumentDigest(documentId, plannedAddresses),
        { sameServer: evidence.sameServer },
      );
      const knowledgeBase = await openKnowledgeBase(settings, (slow) => reporter.report({ kind: "call_waiting", ...slow }));
      const bootId = await readBootId(edge.environment);
      return {
        ports: {
          database,
          knowledgeBase,
          dumpSource: dumpSocket({ path: hostLayout.dumpSocket, idleMs: dumpIdleMs }),
          encryptor: gpgEncryptor(gpg),
          recorders,
          writeDatabase,
          backups: openBackups(settings, databaseSettings.logins.context_pack_readonly),
          clock: systemClock,
          files: nodeFiles,
          locks: fileLocks({ folder: settings.global_locks_dir, clock: systemClock, pid: edge.pid, bootId }),
          reporter,
          process: { pid: edge.pid, bootId },
          openJournal: openJournalFile,
          readKillSwitch: () => readKillSwitch(nodeFiles, paths, systemClock.now()),
          executionEnabled: enabled,
          readLiveToken: (runId) => readLiveToken(nodeFiles, tokenPaths, runId),
          notify: settings.notify_command === null ? null : notifyCommand(settings.notify_command),
        },
        close: async () => {
          await Promise.allSettled([database.close(), recorders.close(), writeDatabase.close(), knowledgeBase.close()]);
        },
      };
    },
    openRevert: async (settings, say) => {
      const logins = await readRevertSettings(credentials, settings.revert_principal ?? "");
      const database = openProductionDatabase({ logins: { context_pack_readonly: logins.reader } }, null);
      const reverts = openRevertDatabase(logins);
      const hostIdentity = await readHostIdentity();
      const knowledgeBase = await openKnowledgeBase(settings, (slow) => lineReporter(say).report({ kind: "call_waiting", ...slow }));
      const bootId = await readBootId(edge.environment);
      return {
        ports: {
          database,
          reverts,
          recorders: { lockDocument: (documentId, runId) => lockDocument(logins.reader, { documentId, runId, hostIdentity }) },
          dumpSource: dumpSocket({ path: hostLayout.dumpSocket, idleMs: dumpIdleMs }),
          backups: openBackups(settings, logins.reader),
          knowledgeBase,
          clock: systemClock,
          files: nodeFiles,
          locks: fileLocks({ folder: settings.global_locks_dir, clock: systemClock, pid: edge.pid, bootId }),
          process: { pid: edge.pid, bootId },
          openJournal: openJournalFile,
          say,
        },
        close: async () => {
          await Promise.allSettled([database.close(), reverts.close(), knowledgeBase.close()]);
        },
      };
    },
    toReporter: ({ json }) =>
      json ? jsonReporter(edge.stderr) : edge.terminal ? terminalReporter(edge.stdout) : lineReporter(edge.stdout),
  };
}

/** Settings that cannot be read are told once, of all logins. One after the other: where the reader is, the others have to be. */
async function tryLogins(readSettings: () => Promise<DatabaseSettings>): Promise<readonly TriedConnection[]> {
  try {
    const { logins } = await readSettings();
    const sameServer = openSameServer();
    const tried: TriedConnection[] = [];
    for (const [name, login] of Object.entries(logins)) {
      if (login !== null) tried.push({ name, kind: "login", problem: (await tryLogin(login, name, sameServer))?.message ?? null });
    }
    return tried;
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    return [{ name: "every login", kind: "login", problem: error.message }];
  }
}

/** Reading one document is what a run begins with, too; whether it exists does not matter. */
async function tryKnowledgeBase(open: () => Promise<KnowledgeBase>, documentId: string): Promise<TriedConnection> {
  const tried = { name: "knowledge_base", kind: "knowledge_base" } as const;
  try {
    const knowledgeBase = await open();
    try {
      await knowledgeBase.read(documentId);
      return { ...tried, problem: null };
    } finally {
      await knowledgeBase.close();
    }
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    return { ...tried, problem: error.message };
  }
}

/** Only what a terminal needs is passed on: the helper builds the command's environment itself. */
function toHelperEnvironment(edge: Edge): Record<string, string> {
  const passed = ["TERM", "LANG"].flatMap((name) =>
    edge.environment[name] === undefined ? [] : [[name, edge.environment[name]] as const],
  );
  return { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...Object.fromEntries(passed) };
}

/** The root helper beside this program, so that both are of one release. */
function toHelper(edge: Edge): string {
  return join(edge.moduleFolder, "cutter-root");
}

/** `input` goes to the command by its stdin: what root read is in no argument and no file. */
function runHelper(edge: Edge, args: readonly string[], input: string | null = null): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(toHelper(edge), args, {
      env: toHelperEnvironment(edge),
      stdio: [input === null ? "inherit" : "pipe", "inherit", "inherit"],
    });
    child.on("error", (cause) => fail(new CutterError("RELEASE_UNKNOWN", { reason: "helper_missing", helper: toHelper(edge) }, { cause })));
    child.stdin?.on("error", () => undefined).end(input); // a command that refuses early reads nothing
    child.on("close", (code) => done(code ?? 70));
  });
}
