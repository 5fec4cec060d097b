// What one broken disk came to, as the sweeping process tells it, and how a test starts that process.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fastFolder } from "../fast-folder.ts";
import { withCompileCache } from "../compile-cache.ts";

export interface Told {
  readonly result: string;
  readonly code: string | null;
  readonly exit_code: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface SweepRow {
  readonly fault: string;
  readonly k: number;
  readonly writes: number; // how many the first start tried
  readonly at: string; // the write before which the disk broke
  readonly first: Told;
  readonly committed: number; // effects, when the first start had ended
  readonly torn: boolean; // the journal then
  readonly second: Told; // with room again
  readonly commits: readonly string[];
  readonly cuts: number; // records behind a tail that was cut back
  readonly escalated: boolean;
  readonly leftovers: readonly string[]; // files in the run's folder that nobody would miss
}

/**
 * `hits`: a fault at its k-th write, `blocks@17`, or at each: `blocks`, `inodes`, `files`; `readonly@0`; a system call, `fsync=EIO@3`.
 * Takes root: the file system is mounted in a namespace of the process's own, and goes with it.
 */
export function sweepDisk(mode: "dryrun" | "live", hits: readonly string[]): readonly SweepRow[] {
  const folder = mkdtempSync(join(fastFolder, "cutter-disk-"));
  const script = `mount -t tmpfs -o size=6m,nr_inodes=600 tmpfs "$1" && mkdir "$1/worlds" && shift && ulimit -n 256 && exec "$@"`;
  const program = join(import.meta.dirname, "sweep.ts");
  const kb = mkdtempSync(join(fastFolder, "cutter-disk-kb-"));
  try {
    const stdout = execFileSync(
      "unshare",
      [
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        folder,
        process.execPath,
        ...withCompileCache,
        program,
        join(folder, "worlds"),
        kb,
        mode,
        ...hits,
      ],
      {
        encoding: "utf8",
        env: { ...process.env, CUTTER_TEST_FOLDER: join(folder, "worlds"), UV_THREADPOOL_SIZE: "1" },
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as SweepRow);
  } finally {
    for (const path of [folder, kb]) rmSync(path, { recursive: true, force: true });
  }
}
