// How commands are asked for: help, what is not understood, and where a page goes.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listCommands } from "../../../orchestrator/cli/app.ts";
import { makeCli, type Cli } from "../../support/worlds/cli.ts";
import { documentId, makeWorld, runId, type World } from "../../support/worlds/world.ts";

let world: World;
let cli: Cli;
beforeEach(async () => {
  world = await makeWorld();
  cli = await makeCli(world);
});
afterEach(() => world.remove());

const request = { schema: "cutter.request/1", run_id: runId, document_id: documentId, mode: "dryrun", approvals: {} };

describe("usage", () => {
  it("is asked of every command of the tree", () => {
    expect(listCommands()).toEqual(expect.arrayContaining(["orchestrate run", "revert", "approval upload", "kill-switch status"]));
    expect(listCommands().length).toBeGreaterThan(15);
  });

  it.each(listCommands())("%s has --help and --json", async (command) => {
    const help = await cli.run(...command.split(" "), "--help");
    expect(help.code).toBe(0);
    expect(help.stdout).toContain(`cutter ${command}`);
    expect(help.stdout).toContain("--json");
  });

  it.each([
    ["--force"],
    ["orchestrate", "run", "--force"],
    ["orchestrate", "run", "--run-id", "abc", "--document", "d", "--mode", "Live"],
    ["orchestrat"],
    ["orchestrate", "run"],
    ["orchestrate", "explain"],
    ["kill-switch", "status", "extra"],
    ["orchestrate", "run", "--run-id", "..", "--document", "d"],
    ["orchestrate", "run", "--run-id", "a.dryrun", "--document", "d"],
  ])("%s %s %s exits 2 and opens nothing", async (...inputs) => {
    const ran = await cli.run(...inputs.filter((input) => typeof input === "string"));
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/^(USAGE_INVALID|RUN_ID_INVALID) .+ → .+/);
    expect(cli.opened).toEqual([]);
  });
});

describe("a usage error", () => {
  it.each([
    [["orchestrat"], 'unknown_command=orchestrat did_you_mean=orchestrate help="cutter --help"'],
    [["orchestrate", "rum"], 'unknown_command=rum did_you_mean=run help="cutter orchestrate --help"'],
    [["orchestrate", "explain"], 'help="cutter orchestrate explain --help"'],
    [["audit", "verify"], 'help="cutter audit verify --help"'],
    [["self-verify", "extra"], 'help="cutter self-verify --help"'],
  ])("%j names once what may have been meant, and the command whose help says more", async (inputs, named) => {
    const ran = await cli.run(...inputs);
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, "", expect.stringContaining(` ${named} → `)]);
  });

  it.each([[["orchestrat", "--json"]], [["orchestrate", "explain", "--json"]], [["audit", "verify", "--json"]]])(
    "%j is one JSON object beside the line",
    async (inputs) => {
      const ran = await cli.run(...inputs);
      expect(JSON.parse(ran.stdout)).toMatchObject({
        schema: "cutter.error/1",
        code: "USAGE_INVALID",
        exit_code: 2,
        facts: { help: expect.stringMatching(/^cutter .*--help$/) },
      });
      expect(ran.code).toBe(2);
    },
  );

  it("is not made of `help` and `version`, which are what --help and --version are", async () => {
    expect(await cli.run("help")).toEqual(await cli.run("--help"));
    expect(await cli.run("help", "audit", "verify")).toEqual(await cli.run("audit", "verify", "--help"));
    expect(await cli.run("version")).toEqual(await cli.run("--version"));
  });
});

describe("a page", () => {
  beforeEach(async () => {
    const file = await cli.writeRequest(`${runId}.yaml`, request);
    await cli.run("orchestrate", "run", "--request", file);
  });
  const report = (html: string) => cli.run("orchestrate", "report", "--run-id", runId, "--html", html);

  it("goes to stdout alone where its file is called -", async () => {
    const { code, stdout } = await report("-");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^<!doctype html>[^]*<\/html>\n$/i)]);
  });

  it("where no file can be is a refusal, not a bug", async () => {
    for (const [file, problem] of [
      [`${world.folder}/none/report.html`, "ENOENT"],
      [world.folder, "EISDIR"],
    ] as const) {
      const ran = await report(file);
      expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(`USAGE_INVALID`)]);
      expect(ran.stderr).toContain(`option=--html file=${file} problem=${problem}`);
    }
  });
});
