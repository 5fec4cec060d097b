// A second sandbox beside this checkout's own, in a copy of the checkout: what makes it, and the first and the last of its life as tests.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sandboxCgroups } from "../../../provision/sandbox/machine/cgroup.ts";
import { type SandboxPaths, toSandboxPaths } from "../../../provision/sandbox/base/paths.ts";
import { runCommand } from "../../../provision/sandbox/base/process.ts";
import { runInSandbox } from "../../../provision/sandbox/commands/ssh.ts";
import { readSandboxState } from "../../../provision/sandbox/state/state.ts";
import { checkout, run, type Ended } from "../e2e.ts";

export interface CopiedCheckout {
  readonly copy: string;
  readonly place: SandboxPaths;
  /** `npm run sandbox -- …` there. */
  sandbox(...words: readonly string[]): Promise<Ended>;
  readSupervisor(): { readonly pid: number; readonly nspawnPid: number };
  /** The sandbox is taken down, the copy removed. */
  remove(): Promise<void>;
}

export function copyCheckout(): CopiedCheckout {
  const parent = mkdtempSync(join(tmpdir(), "ck-lifecycle-"));
  // sun_path holds 107 bytes
  const copy = join(parent, "a checkout's path (#1), so long that no socket could be in it, 50%/".repeat(2), "kit");
  mkdirSync(copy, { recursive: true });
  for (const part of ["provision", "orchestrator", "sql", "package.json"])
    cpSync(join(checkout, part), join(copy, part), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
  const place = toSandboxPaths(copy);
  // What is private says so by its own mode; the replica's services must be able to read the rest.
  const sandbox = (...words: readonly string[]) =>
    run(["sh", "-c", 'umask 077; exec "$0" "$@"', process.execPath, `${copy}/provision/sandbox/main.ts`, ...words]);
  return {
    copy,
    place,
    sandbox,
    readSupervisor: () => JSON.parse(readFileSync(place.supervisorFile, "utf8")) as { readonly pid: number; readonly nspawnPid: number },
    remove: async () => {
      await sandbox("down");
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

export function testComesUp(world: () => CopiedCheckout): void {
  it("comes up from the cache alone, under a name, an address and keys of its own", async () => {
    // The promise is 20 seconds on an idle machine; the figure is in up's own last line. Here other tests may be running, so only what
    // takes minutes is excluded.
    const startedMs = performance.now();
    expect(await world().sandbox("up", "--suite", readSandboxState(checkout).suite)).toEqual({
      code: 0,
      output: expect.not.stringContaining("Debian"),
    });
    expect(performance.now() - startedMs).toBeLessThan(60_000);
    const [own, other] = [readSandboxState(checkout), readSandboxState(world().copy)];
    for (const part of ["name", "address", "hostKey", "machineIdentity", "agentSocket"] as const)
      expect(other[part], part).not.toBe(own[part]);
    expect(other.keys.sovereign.fingerprint).not.toBe(own.keys.sovereign.fingerprint);
    for (const each of [checkout, world().copy])
      expect((await runInSandbox(each, "hostname")).stdout.trim()).toBe(readSandboxState(each).name);
  });
}

/**
 * `end`: "rude" kills nspawn first, so that the container goes on without it; what is left of it is then waited for and ended, which
 * takes ten seconds.
 */
export function testGoesWhole(world: () => CopiedCheckout, end: "orderly" | "rude"): void {
  it("leaves nothing when it is taken down: no process, mount, interface, cgroup, socket or file", async () => {
    writeFileSync(world().place.stackKnownHosts, "as an up leaves it\n");
    if (end === "rude") process.kill(world().readSupervisor().nspawnPid, "SIGKILL");
    expect(await world().sandbox("down")).toMatchObject({ code: 0 });
    expect(
      readAllArguments().filter((words) => words.includes(world().copy) || words.some((word) => word.includes(world().place.name))),
    ).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(world().copy);
    expect((await runCommand(["ip", "link", "show", "dev", world().place.outerInterface])).code).toBe(1);
    expect(sandboxCgroups(world().place.name).filter((directory) => existsSync(directory))).toEqual([]);
    expect(
      [
        world().place.directory,
        world().place.stackFile,
        world().place.stackKnownHosts,
        world().place.runtimeDirectory,
        `/run/systemd/nspawn/propagate/${world().place.name}`,
      ].filter((path) => existsSync(path)),
    ).toEqual([]);
    expect(await world().sandbox("status")).toMatchObject({ code: 10 });
    expect(await world().sandbox("down")).toMatchObject({ code: 0 });
  });

  it("took nothing of this checkout's own sandbox with it", async () => {
    expect((await runInSandbox(checkout, "docker exec postgres psql -U directus -d directus -Atc 'select 1'")).stdout).toBe("1\n");
  });
}

/** The command lines of all processes of this machine. */
export function readAllArguments(): readonly (readonly string[])[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      } catch {
        return []; // ended meanwhile
      }
    });
}
