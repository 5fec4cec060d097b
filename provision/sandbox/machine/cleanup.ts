// Taking a sandbox away without a trace: its processes (found by their own arguments, never by a name alone), cgroups, mounts, sockets and files.
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { killCgroups, removeCgroups } from "./cgroup.ts";
import type { SandboxPlace } from "../base/place.ts";
import { mustRun, runCommand } from "../base/process.ts";
import { pollUntil } from "../base/progress.ts";
import { readLiveSupervisor } from "./supervisor-record.ts";

const orderlyEndMs = 20_000;

/** Ends host, supervisor and agent, and the copy of the disk that an `up` killed in its middle leaves running. May be repeated. @throws SANDBOX_NOT_READY when a process cannot be ended. */
export async function endProcesses(place: SandboxPlace): Promise<void> {
  await endHost(place);
  await endAll("copy of the disk", () => findProcesses("cp", place.rootDirectory));
  await endAll("ssh-agent", () => findProcesses("ssh-agent", place.agentSocket));
}

/** Ends the host (in order, then by force) and its supervisor, whether or not the supervisor still lives. */
export async function endHost(place: SandboxPlace): Promise<void> {
  const supervisor = readLiveSupervisor(place);
  if (supervisor !== null) {
    process.kill(supervisor.pid, "SIGTERM");
    await pollUntil(orderlyEndMs, 50, async () => readLiveSupervisor(place) === null);
  }
  await endAll("supervisor", () => findProcesses("supervisor.ts", place.checkout));
  await endAll("host", () => findProcesses("systemd-nspawn", `--directory=${place.rootDirectory}`));
  const gone = await pollUntil(10_000, 50, async () => {
    killCgroups(place.name);
    return removeCgroups(place.name);
  });
  if (!gone) throw new CutterError("SANDBOX_NOT_READY", { what: "end of the host's processes", cgroup: place.name });
}

async function endAll(what: string, find: () => readonly number[]): Promise<void> {
  for (const pid of find()) killQuietly(pid, "SIGKILL");
  if (!(await pollUntil(10_000, 50, async () => find().length === 0)))
    throw new CutterError("SANDBOX_NOT_READY", { what: `end of ${what}`, pids: find().map(String) });
}

/** Everything `up` made, besides the image cache. The processes must have ended. */
export async function removeFiles(place: SandboxPlace): Promise<void> {
  for (const mountPoint of findMounts(readFileSync("/proc/self/mountinfo", "utf8"), place.directory))
    await mustRun("umount", ["umount", "--lazy", mountPoint]);
  if ((await runCommand(["ip", "link", "show", "dev", place.outerInterface])).code === 0)
    await runCommand(["ip", "link", "delete", "dev", place.outerInterface]);
  if (existsSync(place.directory))
    await mustRun("remove files", ["rm", "-rf", "--one-file-system", place.directory], { timeoutMs: 5 * 60_000 });
  for (const left of [place.stackFile, `/run/systemd/nspawn/propagate/${place.name}`]) rmSync(left, { recursive: true, force: true });
  rmSync(place.runtimeDirectory, { recursive: true, force: true });
  removeStackState(place.checkout);
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
export function findProcesses(program: string, argument: string): readonly number[] {
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
