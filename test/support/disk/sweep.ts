// A process of its own in a mount namespace of its own: runs of a whole world on a small file system, which breaks before the k-th write of
// the run, or whose k-th system call fails. node sweep.ts FOLDER KB_FOLDER MODE FAULT[@K]…: FOLDER is on a tmpfs made for this; one JSON
// line
// for each K; without K for each there is; a negative K counts from the end.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openJournalFile } from "../../../orchestrator/adapters/journal/journal-file.ts";
import { fileLocks } from "../../../orchestrator/adapters/lock/file-locks.ts";
import { nodeFiles, toErrorCode } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { toStatus } from "../../../orchestrator/core/journal/status.ts";
import type { RunOutcome } from "../../../orchestrator/core/run/outcome.ts";
import type { EnginePorts } from "../../../orchestrator/engine/kernel/ports.ts";
import { runPhases } from "../../../orchestrator/engine/run.ts";
import { openDirectoryKb } from "../worlds/directory-kb.ts";
import { FakeBackupStore } from "../worlds/fake-backup.ts";
import { forkLiveWorld, liveRunId, makeLiveWorld } from "../worlds/live-world.ts";
import { quickFiles } from "../worlds/quick-files.ts";
import { makeWorld, runId as dryRunId, type World } from "../worlds/world.ts";
import type { SweepRow, Told } from "./sweep-row.ts";

const [folder = "", kbFolder = "", mode = "", ...hits] = process.argv.slice(2);
const mountPoint = dirname(folder);
const ballast = join(folder, "ballast");

interface Hit {
  readonly fault: string;
  readonly k: number;
}

interface Seen {
  count: number;
  at: string;
}

const taken: number[] = [];

/** Takes whatever there still is: of blocks, of inodes, of open files. `readonly` works before the first file is open. */
function breakDisk(fault: string): void {
  if (fault === "readonly") execFileSync("mount", ["-o", "remount,ro", mountPoint]);
  else if (fault === "files") takeFiles();
  else takeDisk(fault);
}

function takeFiles(): void {
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch (error) {
    if (toErrorCode(error) !== "EMFILE") throw error;
  }
}

function takeDisk(fault: string): void {
  mkdirSync(ballast);
  try {
    for (let n = 0; ; n += 1) writeFileSync(join(ballast, String(n)), fault === "inodes" ? "" : Buffer.alloc(n < 40 ? 256 * 1024 : 4096));
  } catch (error) {
    if (toErrorCode(error) !== "ENOSPC") throw error;
  }
}

function mendDisk(fault: string): void {
  for (const descriptor of taken.splice(0)) closeSync(descriptor);
  if (fault === "readonly") execFileSync("mount", ["-o", "remount,rw", mountPoint]);
  rmSync(ballast, { recursive: true, force: true });
}

/** Counts each write of ours, and breaks the disk before the k-th. */
function countWrites(base: World, kb: string, hit: Hit | null, seen: Seen): Partial<EnginePorts> {
  const before = (what: string): void => {
    if (hit !== null && seen.count === hit.k) {
      seen.at = what;
      breakDisk(hit.fault);
    }
    seen.count += 1;
  };
  const locks = fileLocks({ folder: base.config.global_locks_dir, clock: base.clock, ...base.ports.process });
  const backups = new FakeBackupStore();
  return {
    knowledgeBase: openDirectoryKb({ root: kb, files: quickFiles }),
    files: {
      ...nodeFiles,
      writeAtomic: async (path, content, bits) => {
        before(path.slice(path.lastIndexOf("/") + 1));
        await nodeFiles.writeAtomic(path, content, bits);
      },
      makeFolder: async (path, bits) => {
        before(`folder ${path.slice(path.lastIndexOf("/") + 1)}`);
        return await nodeFiles.makeFolder(path, bits);
      },
    },
    locks: {
      acquireRun: async (...args) => {
        before("lock of the run");
        return await locks.acquireRun(...args);
      },
      acquire: async (...args) => {
        before("lock of the document");
        return await locks.acquire(...args);
      },
    },
    backups: {
      make: async (...args) => {
        before("backup");
        return await backups.make(...args);
      },
    },
    openJournal: (path) => {
      const store = openJournalFile(path);
      return {
        ...store,
        append: async (line) => {
          before(`journal ${/"kind":"([a-z_]+)"/.exec(line)?.[1] ?? ""}`);
          await store.append(line);
        },
      };
    },
  };
}

/**
 * For what no file system of a test gives: the k-th such call on one of these paths fails with that error, in an unmodified process.
 * `SYSCALL=ERROR`.
 */
async function injectCall({ fault, k }: Hit, paths: readonly string[], work: () => Promise<Told>): Promise<Told> {
  const [call = "", error = ""] = fault.split("=");
  const filter = call === "write" ? paths.flatMap((path) => ["-P", path]) : [];
  const inject = `inject=${call}:error=${error}:when=${String(k + 1)}`;
  const args = ["-f", "-o", "/dev/null", ...filter, "-e", `trace=${call}`, "-e", inject, "-p", String(process.pid)];
  const strace = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(strace, "exit");
  await once(strace.stderr, "data"); // "Process … attached": from here on it counts
  try {
    return await work();
  } finally {
    strace.kill("SIGINT");
    await ended;
  }
}

const told = (end: Promise<RunOutcome>): Promise<Told> =>
  end.then(
    ({ result, code, exit_code, facts }) => ({ result, code, exit_code, facts }),
    (error: unknown) => ({
      result: "thrown",
      code: error instanceof CutterError ? error.code : String(error),
      exit_code: error instanceof CutterError ? error.exitCode : 70,
      facts: error instanceof CutterError ? error.facts : {},
    }),
  );

async function tryHit(makeRun: () => Promise<TriedRun>, hit: Hit | null): Promise<SweepRow> {
  const run = await makeRun();
  const seen: Seen = { count: 0, at: "none" };
  const injected = hit?.fault.includes("=") === true;
  const start = (): Promise<Told> => told(run.start(injected ? null : hit, seen));
  const first = injected ? await injectCall(hit, [join(run.folder, "journal.jsonl")], start) : await start();
  if (hit !== null) mendDisk(hit.fault);
  const committed = run.commits().length;
  const torn = readChain(readJournal(run.folder), "journal").torn !== null;
  const second = await told(run.start(null, { count: 0, at: "" }));
  const { records } = readChain(readJournal(run.folder), "journal");
  const names = readdirSync(run.folder, { recursive: true, encoding: "utf8" });
  const row: SweepRow = {
    fault: hit?.fault ?? "none",
    k: hit?.k ?? -1,
    writes: seen.count,
    at: seen.at,
    first,
    committed,
    torn,
    second,
    commits: run.commits(),
    cuts: records.filter(({ cut }) => cut !== undefined).length,
    escalated: toStatus(records).escalation !== null,
    leftovers: names.filter((name) => /(?:^|\/)\.|\.partial$/.test(name)),
  };
  await run.remove();
  return row;
}

function readJournal(runFolder: string): Uint8Array {
  try {
    return readFileSync(join(runFolder, "journal.jsonl"));
  } catch (error) {
    if (toErrorCode(error) === "ENOENT") return new Uint8Array();
    throw error;
  }
}

interface TriedRun {
  readonly folder: string;
  commits(): readonly string[];
  start(hit: Hit | null, seen: Seen): Promise<RunOutcome>;
  remove(): Promise<void>;
}

let copies = 0;
/** The knowledge base is another machine's: its disk stays whole. */
function copyKb(worldFolder: string): string {
  const kb = join(kbFolder, String((copies += 1)));
  cpSync(join(worldFolder, "kb"), kb, { recursive: true });
  return kb;
}

async function makeDryRun(): Promise<TriedRun> {
  const world = await makeWorld();
  const kb = copyKb(world.folder);
  return {
    folder: join(world.config.sidecar_root, dryRunId),
    commits: () => [],
    start: async (hit, seen) => await runPhases(world.toRun(), { ...world.ports, ...countWrites(world, kb, hit, seen) }),
    remove: () => world.remove(),
  };
}

const template = mode === "live" ? await makeLiveWorld() : null;
await template?.approve("SG_1");
await template?.approve("SG_2");

async function makeLiveRun(): Promise<TriedRun> {
  if (template === null) throw new Error("no live world");
  const live = await forkLiveWorld(template);
  const kb = copyKb(live.folder);
  return {
    folder: join(live.world.config.sidecar_root, liveRunId),
    commits: () => live.cut.commits,
    start: (hit, seen) => live.start({ ports: countWrites(live.world, kb, hit, seen) }),
    remove: () => live.remove(),
  };
}

const makeRun = mode === "live" ? makeLiveRun : makeDryRun;
const { writes } = await tryHit(makeRun, null);
for (const [fault = "", number] of hits.map((hit) => hit.split("@")))
  for (const k of number === undefined ? Array.from({ length: writes }, (_, n) => n) : [Number(number)])
    process.stdout.write(`${JSON.stringify(await tryHit(makeRun, { fault, k: k < 0 ? writes + k : k }))}\n`);
