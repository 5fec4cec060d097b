// cutter revert at the command line: what it renders, and what it refuses before anything is opened.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { Services } from "../../../orchestrator/cli/context.ts";
import { toSqlGateViolations } from "../../../orchestrator/core/database/sql-gate.ts";
import { makeCli, type Cli } from "../../support/worlds/cli.ts";
import { makeWorld, type World } from "../../support/worlds/world.ts";
import { toPattern } from "../../support/refusal-case.ts";

const runbook = readFileSync(join(import.meta.dirname, "../../../sql/lifecycle/rollback_runbook.sql"), "utf8");
let world: World;
let cli: Cli;

async function open(change: Partial<Services> = {}): Promise<void> {
  cli = await makeCli(world, change);
  writeFileSync(join(world.folder, "rollback_runbook.sql"), runbook);
}
const inUnit: Partial<Services> = { isInRevertUnit: () => Promise.resolve(true), readHostIdentity: () => Promise.resolve("a".repeat(64)) };
const unpin = () => writeFileSync(join(world.folder, "orchestrator.yaml"), stringify({ ...world.config, revert_principal: null }));
const approval = () => {
  const file = join(world.folder, "R.REVERT.md");
  for (const name of [file, `${file}.asc`, join(world.folder, "keys/sovereign.asc")]) {
    mkdirSync(join(name, ".."), { recursive: true });
    writeFileSync(name, "no approval");
  }
  return file;
};

beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.remove());

describe("cutter revert --render", () => {
  test("prints one self-contained file on stdout and its sha256 on stderr, and opens nothing", async () => {
    await open();
    const { code, stdout, stderr } = await cli.run("revert", "--run-id", "R-1", "--render");
    expect(code).toBe(0);
    expect(stdout.endsWith(runbook)).toBe(true);
    expect(stdout).toContain("set_config('cutter.run_id', 'R-1', true)");
    expect(toSqlGateViolations(stdout)).toEqual([]);
    expect(stderr).toContain(`sha256 ${createHash("sha256").update(stdout).digest("hex")}`);
    expect(cli.opened).toEqual([]);
  });

  test("as JSON holds the same text and digests", async () => {
    await open();
    const { stdout } = await cli.run("revert", "--run-id", "R-1", "--render", "--json");
    const told = JSON.parse(stdout) as { schema: string; sql: string; sha256: string; runbook_sha256: string };
    expect(told).toMatchObject({
      schema: "cutter.revert-render/1",
      run_id: "R-1",
      sha256: createHash("sha256").update(told.sql).digest("hex"),
      runbook_sha256: createHash("sha256").update(runbook).digest("hex"),
    });
  });
});

test("cutter revert --render without a runbook says that it is the runbook which is missing", async () => {
  await open();
  rmSync(join(world.folder, "rollback_runbook.sql"));
  const { code, stdout, stderr } = await cli.run("revert", "--run-id", "R-1", "--render");
  expect([code, stdout]).toEqual([10, ""]);
  expect(stderr).toContain("REVERT_RUNBOOK_CHANGED");
});

describe("cutter revert refuses, opening nothing", () => {
  test.each<[what: string, code: string, exit: number, args: () => readonly string[], change: Partial<Services>, prepare?: () => void]>([
    ["neither an approval nor --render", "USAGE_INVALID", 2, () => ["--run-id", "R-1"], {}],
    ["both", "USAGE_INVALID", 2, () => ["--run-id", "R-1", "--render", "--approval", "x"], {}],
    ["what is no run id", "RUN_ID_INVALID", 2, () => ["--run-id", "../x", "--render"], {}],
    ["a dry run", "REVERT_NOTHING_CREATED reason=dry_run", 10, () => ["--run-id", "R-1.dryrun", "--render"], {}],
    ["a shell", "EXECUTION_OUTSIDE_UNIT reason=revert", 10, () => ["--run-id", "R-1", "--approval", approval()], {}],
    ["no pinned principal", "REVERT_PRINCIPAL_NOT_PINNED", 10, () => ["--run-id", "R-1", "--approval", approval()], inUnit, unpin],
    ["no staged approval", "REVERT_NOT_STAGED", 10, () => ["--run-id", "R-1", "--approval", approval()], inUnit],
    [
      "a staging nobody of ours wrote",
      "REVERT_NOT_STAGED reason=damaged",
      10,
      () => ["--run-id", "R-1", "--approval", approval()],
      inUnit,
      () => {
        mkdirSync(join(world.folder, "revert/R-1"), { recursive: true });
        writeFileSync(join(world.folder, "revert/R-1/staged.json"), "{}");
      },
    ],
  ])("%s: %s, exit %d", async (_what, code, exit, args, change, prepare) => {
    await open(change);
    prepare?.();
    const ran = await cli.run("revert", ...args());
    expect(ran.stderr).toMatch(toPattern(code));
    expect(ran.code).toBe(exit);
    expect(cli.opened).toEqual([]);
  });

  test("and tells the root step behind it why", async () => {
    await open();
    await cli.run("revert", "--run-id", "R-1", "--approval", approval());
    expect(JSON.parse(readFileSync(join(world.folder, "end.json"), "utf8"))).toMatchObject({
      exit_code: 10,
      code: "EXECUTION_OUTSIDE_UNIT",
      result: "stopped",
    });
  });
});
