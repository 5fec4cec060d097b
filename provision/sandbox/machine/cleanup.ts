// Taking a sandbox away without a trace: its processes (found by their own arguments, never by a name alone), cgroups, mounts, sockets and
// files.
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { killCgroups, removeCgroups } from "./cgroup.ts";
import type { SandboxPaths } from "../base/paths.ts";
import { mustRun, runCommand } from "../base/process.ts";
import { pollUntil } from "../base/progress.ts";
import { readLiveSupervisor } from "./supervisor-record.ts";

const orderlyEndMs = 20_000;

/**
 * Ends host, supervisor and agent, and the copy of the disk that an `up` killed in its middle leaves running. May be repeated.
 * @throws SANDBOX_STEP_FAILED when a process cannot be ended.
 */
export async function stopProcesses(paths: SandboxPaths): Promise<void> {
  await stopHost(paths);
  await stopAll("copy of the disk", () => findProcesses("cp", paths.rootDirectory));
  await stopAll("ssh-agent", () => findProcesses("ssh-agent", paths.agentSocket));
}

/** Ends the host (in order, then by force) and its supervisor, whether or not the supervisor still lives. */
export async function stopHost(paths: SandboxPaths): Promise<void> {
  const supervisor = readLiveSupervisor(paths);
  if (supervisor !== null) {
    process.kill(supervisor.pid, "SIGTERM");
    await pollUntil(orderlyEndMs, 50, async () => readLiveSupervisor(paths) === null);
  }
  await stopAll("supervisor", () => findProcesses("supervisor.ts", paths.checkout));
  await stopAll("host", () => findProcesses("systemd-nspawn", `--directory=${paths.rootDirectory}`));
  const gone = await pollUntil(10_000, 50, async () => {
    killCgroups(paths.name);
    return removeCgroups(paths.name);
  });
  if (!gone) throw new CutterError("SANDBOX_STEP_FAILED", { reason: "not_ready", what: "end of the host's processes", cgroup: paths.name });
}

async function stopAll(what: string, find: () => readonly number[]): Promise<void> {
  for (const pid of find()) killQuietly(pid, "SIGKILL");
  if (!(await pollUntil(10_000, 50, async () => find().length === 0)))
    throw new CutterError("SANDBOX_STEP_FAILED", { reason: "not_ready", what: `end of ${what}`, pids: find().map(String) });
}

/** Everything `up` made, besides the image cache. The processes must have ended. */
export async function removeFiles(paths: SandboxPaths): Promise<void> {
  for (const mountPoint of findMounts(readFileSync("/proc/self/mountinfo", "utf8"), paths.directory))
    await mustRun("umount", ["umount", "--lazy", mountPoint]);
  if ((await runCommand(["ip", "link", "show", "dev", paths.outerInterface])).code === 0)
    await runCommand(["ip", "link", "delete", "dev", paths.outerInterface]);
  if (existsSync(paths.directory))
    await mustRun("remove files", ["rm", "-rf", "--one-file-system", paths.directory], { timeoutMs: 5 * 60_000 });
  for (const remaining of [paths.stackFile, paths.stackKnownHosts, `/run/systemd/nspawn/propagate/${paths.name}`])
    rmSync(remaining, { recursive: true, force: true });
  rmSync(paths.runtimeDirectory, { recursive: true, force: true });
  removeStackState(paths.checkout);
}

/** What Pulumi knows of this host goes with it: state that speaks of a host that is gone would make the next `up` refuse. */
function removeStackState(checkout: string): void {
  const backend = `${checkout}/.pulumi-state/backend/.pulumi`;
  for (const kind of ["stacks", "locks", "backups", "history"]) {
    const folder = `${backend}/${kind === "locks" ? "locks/organization" : kind}/cutter-kit`;
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder))
      if (name === "sandbox" || name.startsWith("sandbox.json")) rmSync(`${folder}/${name}`, { recursive: true, force: true });
  }
}

/** Pids of running processes that have an argument ending in `program` and another that is exactly `argument`. */
function findProcesses(program: string, argument: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const words = readArguments(pid);
      return (
        argument !== "" &&
        pid !== process.pid &&
        words.includes(argument) &&
        words.some((word) => word === program || word.endsWith(`/${program}`))
      );
    });
}

/** Mount points at or below a directory, innermost first, from the text of mountinfo. Pure. */
export function findMounts(mountInfo: string, directory: string): readonly string[] {
  const points = mountInfo.split("\n").map((text) => text.split(" ")[4] ?? "");
  return points.filter((point) => point === directory || point.startsWith(`${directory}/`)).sort((a, b) => b.length - a.length);
}

function readArguments(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // ended meanwhile
  }
}

function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ended meanwhile
  }
}
