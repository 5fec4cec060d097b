// A second sandbox beside this checkout's own, from its first boot to its last trace: made in a copy of the checkout, ill-treated, and taken away.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sandboxCgroups } from "../../provision/sandbox/machine/cgroup.ts";
import { type SandboxPaths, toSandboxPaths } from "../../provision/sandbox/base/paths.ts";
import { suites } from "../../provision/sandbox/image/recipe.ts";
import { runCommand } from "../../provision/sandbox/base/process.ts";
import { runInSandbox } from "../../provision/sandbox/commands/ssh.ts";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { checkout, run, until } from "../support/e2e.ts";

let parent: string;
let copy: string;
let place: SandboxPaths;

const sandbox = (...words: readonly string[]) => run([process.execPath, `${copy}/provision/sandbox/main.ts`, ...words]);
const readSupervisor = () => JSON.parse(readFileSync(place.supervisorFile, "utf8")) as { readonly pid: number; readonly nspawnPid: number };

beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), "ck-lifecycle-"));
  copy = join(parent, "a-checkout-in-a-path-so-long-that-no-socket-could-be-in-it/".repeat(2), "kit"); // sun_path holds 107 bytes
  mkdirSync(copy, { recursive: true });
  for (const part of ["provision", "orchestrator", "sql", "package.json"])
    cpSync(join(checkout, part), join(copy, part), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(copy, "node_modules"));
  place = toSandboxPaths(copy);
});

afterAll(async () => {
  await sandbox("down");
  rmSync(parent, { recursive: true, force: true });
});

describe("a second sandbox", () => {
  it("that was killed while its disk was copied is taken away whole: nothing goes on writing", async () => {
    const up = spawn(process.execPath, [`${copy}/provision/sandbox/main.ts`, "up", "--suite", readSandboxState(checkout).suite], {
      stdio: "ignore",
    });
    await until(async () => (existsSync(place.rootDirectory) ? true : null));
    up.kill("SIGKILL");
    expect(await sandbox("down")).toMatchObject({ code: 0 });
    expect(readAllArguments().filter((words) => words.includes(place.rootDirectory))).toEqual([]);
    expect(existsSync(place.directory)).toBe(false);
  });

  it("comes up from the cache alone, under a name, an address and keys of its own", async () => {
    // The promise is 20 seconds on an idle machine; the figure is in up's own last line. Here other tests may be running, so only what takes minutes is excluded.
    const startedMs = performance.now();
    expect(await sandbox("up", "--suite", readSandboxState(checkout).suite)).toEqual({
      code: 0,
      output: expect.not.stringContaining("Debian"),
    });
    expect(performance.now() - startedMs).toBeLessThan(60_000);
    const [own, other] = [readSandboxState(checkout), readSandboxState(copy)];
    for (const part of ["name", "address", "hostKey", "machineIdentity", "agentSocket"] as const)
      expect(other[part], part).not.toBe(own[part]);
    expect(other.keys.sovereign.fingerprint).not.toBe(own.keys.sovereign.fingerprint);
    for (const each of [checkout, copy]) expect((await runInSandbox(each, "hostname")).stdout.trim()).toBe(readSandboxState(each).name);
  });

  it("is left alone by a second up, which is quick", async () => {
    const before = readSandboxState(copy);
    expect(await sandbox("up")).toMatchObject({ code: 0 });
    expect(readSandboxState(copy)).toEqual(before);
  });

  it("is not turned into another suite", async () => {
    const other = suites.find((suite) => suite !== readSandboxState(copy).suite) ?? "";
    expect(await sandbox("up", "--suite", other)).toEqual({ code: 10, output: expect.stringContaining("SANDBOX_SUITE_DIFFERS") });
  });

  it("is made or removed by one command at a time", async () => {
    const codes = (await Promise.all([sandbox("up"), sandbox("up"), sandbox("up")])).map((ended) =>
      ended.code === 0 ? 0 : Number(ended.output.includes("SANDBOX_BUSY") && ended.code),
    );
    expect(codes).toContain(0);
    expect(codes.filter((code) => code !== 0 && code !== 10)).toEqual([]);
  });

  it("that powered itself off is down, and comes back with its data", async () => {
    await runInSandbox(copy, "echo kept > /opt/incomex/docs/kept; systemctl poweroff");
    await until(async () => (existsSync(place.supervisorFile) ? null : true));
    expect(await sandbox("status")).toEqual({ code: 10, output: expect.stringContaining("SANDBOX_NOT_UP") });
    expect(await sandbox("up")).toMatchObject({ code: 0 });
    expect((await runInSandbox(copy, "cat /opt/incomex/docs/kept")).stdout).toBe("kept\n");
  });

  it("whose supervisor was killed is ended for certain and booted again", async () => {
    const { pid } = readSupervisor();
    process.kill(pid, "SIGKILL");
    await until(async () => (existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "" ? null : true));
    expect((await sandbox("status")).code).toBe(10);
    expect(await sandbox("up")).toMatchObject({ code: 0 });
    expect(await sandbox("status")).toMatchObject({ code: 0 });
    expect((await runInSandbox(copy, "cat /opt/incomex/docs/kept")).stdout).toBe("kept\n");
  });

  it("leaves nothing when it is taken down: no process, mount, interface, cgroup, socket or file", async () => {
    process.kill(readSupervisor().nspawnPid, "SIGKILL"); // the rudest end first: the container goes on without it
    expect(await sandbox("down")).toMatchObject({ code: 0 });
    expect(readAllArguments().filter((words) => words.includes(copy) || words.some((word) => word.includes(place.name)))).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(copy);
    expect((await runCommand(["ip", "link", "show", "dev", place.outerInterface])).code).toBe(1);
    expect(sandboxCgroups(place.name).filter((directory) => existsSync(directory))).toEqual([]);
    expect(
      [place.directory, place.stackFile, place.runtimeDirectory, `/run/systemd/nspawn/propagate/${place.name}`].filter((path) =>
        existsSync(path),
      ),
    ).toEqual([]);
    expect(await sandbox("status")).toMatchObject({ code: 10 });
    expect(await sandbox("down")).toMatchObject({ code: 0 });
  });

  it("took nothing of this checkout's own sandbox with it", async () => {
    expect((await runInSandbox(checkout, "docker exec postgres psql -U directus -d directus -Atc 'select 1'")).stdout).toBe("1\n");
  });
});

function readAllArguments(): readonly (readonly string[])[] {
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
