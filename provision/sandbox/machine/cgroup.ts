// A cgroup of its own for each sandbox: two nspawns in one cgroup would share the sub-groups they make, and leave them behind.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync } from "node:fs";

/** Directories of this sandbox in the unified tree and, where there is one, in systemd's own v1 tree. */
export function sandboxCgroups(name: string): readonly string[] {
  return cgroupTrees(readFileSync("/proc/self/mountinfo", "utf8")).map((tree) => `${tree}/cutter-kit-${name}`);
}

/** Mount points of the trees nspawn uses, from the text of mountinfo. Pure. */
export function cgroupTrees(mountInfo: string): readonly string[] {
  return mountInfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const mountPoint = before.split(" ")[4] ?? "";
    const [type = "", , options = ""] = after.split(" ");
    const used = type === "cgroup2" || (type === "cgroup" && options.split(",").includes("name=systemd"));
    return used && mountPoint.startsWith("/sys/fs/cgroup") ? [mountPoint] : [];
  });
}

/** argv that first moves itself into the sandbox's own cgroups (made now) and then becomes `argv`. The caller stays where it is. */
export function toGroupedArguments(name: string, argv: readonly string[]): readonly string[] {
  const directories = sandboxCgroups(name);
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  const script = 'count=$1; shift; while [ "$count" -gt 0 ]; do echo $$ > "$1/cgroup.procs"; shift; count=$((count - 1)); done; exec "$@"';
  return ["sh", "-c", script, "sh", String(directories.length), ...directories, ...argv];
}

/** Removes the sandbox's cgroups, deepest first. A group that still has processes stays, and makes this return false. */
export function removeCgroups(name: string): boolean {
  return sandboxCgroups(name).every((directory) => !existsSync(directory) || removeTree(directory));
}

/**
 * Ends every process in the sandbox's cgroups at once. A killed nspawn leaves its whole container running: this is what ends it.
 * Only the sandbox's own processes can be in there.
 */
export function killCgroups(name: string): void {
  for (const directory of sandboxCgroups(name)) {
    if (existsSync(directory)) killTree(directory);
  }
}

function killTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) killTree(`${directory}/${entry.name}`);
  }
  const pids = readFileSync(`${directory}/cgroup.procs`, "utf8").split("\n").map(Number);
  for (const pid of pids.filter((pid) => pid > 1)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // ended meanwhile, with its container's PID 1
    }
  }
}

function removeTree(directory: string): boolean {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(`${directory}/${entry.name}`);
  }
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}
