// A second sandbox beside this checkout's own, from its first boot to its last trace: made in a copy of the checkout, ill-treated, and
// taken away.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { suites } from "../../provision/sandbox/image/recipe.ts";
import { runInSandbox } from "../../provision/sandbox/commands/ssh.ts";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { checkout, until } from "../support/e2e.ts";
import { copyCheckout, readAllArguments, testComesUp, testGoesWhole, type CopiedCheckout } from "../support/hosts/copied-checkout.ts";

let copied: CopiedCheckout;
const world = (): CopiedCheckout => copied;

beforeAll(() => {
  copied = copyCheckout();
});
afterAll(() => copied.remove());

describe("a second sandbox", () => {
  it("that was killed while its disk was copied is taken away whole: nothing goes on writing", async () => {
    const up = spawn(process.execPath, [`${world().copy}/provision/sandbox/main.ts`, "up", "--suite", readSandboxState(checkout).suite], {
      stdio: "ignore",
    });
    await until(async () => (existsSync(world().place.rootDirectory) ? true : null));
    up.kill("SIGKILL");
    expect(await world().sandbox("down")).toMatchObject({ code: 0 });
    expect(readAllArguments().filter((words) => words.includes(world().place.rootDirectory))).toEqual([]);
    expect(existsSync(world().place.directory)).toBe(false);
  });

  testComesUp(world);

  it("is left alone by a second up, which is quick", async () => {
    const before = readSandboxState(world().copy);
    expect(await world().sandbox("up")).toMatchObject({ code: 0 });
    expect(readSandboxState(world().copy)).toEqual(before);
  });

  it("is not turned into another suite", async () => {
    const other = suites.find((suite) => suite !== readSandboxState(world().copy).suite) ?? "";
    expect(await world().sandbox("up", "--suite", other)).toEqual({ code: 10, output: expect.stringContaining("SANDBOX_SUITE_DIFFERS") });
  });

  it("is made or removed by one command at a time", async () => {
    const codes = (await Promise.all(["up", "up", "up"].map((word) => world().sandbox(word)))).map((ended) =>
      ended.code === 0 ? 0 : Number(ended.output.includes("SANDBOX_BUSY") && ended.code),
    );
    expect(codes).toContain(0);
    expect(codes.filter((code) => code !== 0 && code !== 10)).toEqual([]);
  });

  it("that powered itself off is down, and comes back with its data", async () => {
    await runInSandbox(world().copy, "echo kept > /opt/incomex/docs/kept; systemctl poweroff");
    await until(async () => (existsSync(world().place.supervisorFile) ? null : true));
    expect(await world().sandbox("status")).toEqual({ code: 10, output: expect.stringContaining("SANDBOX_NOT_UP") });
    expect(await world().sandbox("up")).toMatchObject({ code: 0 });
    expect((await runInSandbox(world().copy, "cat /opt/incomex/docs/kept")).stdout).toBe("kept\n");
  });

  it("whose supervisor was killed is ended for certain and booted again", async () => {
    const { pid } = world().readSupervisor();
    process.kill(pid, "SIGKILL");
    await until(async () => (existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "" ? null : true));
    expect((await world().sandbox("status")).code).toBe(10);
    expect(await world().sandbox("up")).toMatchObject({ code: 0 });
    expect(await world().sandbox("status")).toMatchObject({ code: 0 });
    expect((await runInSandbox(world().copy, "cat /opt/incomex/docs/kept")).stdout).toBe("kept\n");
  });

  testGoesWhole(world, "rude");
});
