// The process edge: the real program, its exit codes, and the environment it refuses to run in.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { withCompileCache } from "../../support/compile-cache.ts";

const program = join(import.meta.dirname, "../../../orchestrator/main.ts");

function run(
  inputs: readonly string[],
  env: Record<string, string> = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [...withCompileCache, "--disable-warning=ExperimentalWarning", program, ...inputs],
      { env },
      (_error, stdout, stderr) => done({ code: child.exitCode, stdout, stderr }),
    );
  });
}

it("refuses to start with variables set that change what runs or where it connects, naming them and no value", async () => {
  const names = ["GNUPGHOME", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS", "NODE_TLS_REJECT_UNAUTHORIZED", "PGHOST", "PGPASSWORD"];
  const values = Object.fromEntries(names.map((name) => [name, name === "NODE_OPTIONS" ? "--title=hidden" : "hidden"]));
  const ran = await run(["kill-switch", "status"], values);
  expect(ran.code).toBe(10);
  expect(ran.stderr).toContain(`names=${names.join(",")} `);
  expect(ran.stdout).toBe("");
  expect(ran.stderr.split("\n").find((line) => line.startsWith("ENVIRONMENT_DANGEROUS"))).not.toContain("hidden");
});

it("prints its help whatever is set, where help is all that is asked for", async () => {
  for (const inputs of [["--help"], ["grants", "--help"], ["orchestrate", "run", "-h"]]) {
    expect(await run(inputs, { NODE_EXTRA_CA_CERTS: "/dev/null", PGHOST: "hidden" })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("USAGE"),
    });
  }
  for (const inputs of [
    ["orchestrate", "run", "--run-id", "R-1", "--help"],
    ["grants", "--", "--help"],
    ["--help", "grants"],
  ])
    expect((await run(inputs, { PGHOST: "hidden" })).code).toBe(10);
});

it.skipIf(process.getuid?.() !== 0)("says in a plain checkout, as root, that the commands of a host need a release", async () => {
  for (const inputs of [["grants"], ["contract", "check"], ["target", "propose"], ["orchestrate", "void", "--run-id", "R-1"]]) {
    expect(await run(inputs), inputs.join(" ")).toMatchObject({
      code: 10,
      stderr: expect.stringMatching(
        /^RELEASE_UNKNOWN .*reason=helper_missing .* → on a host, run the deployed release, \/usr\/local\/bin\/cutter/,
      ),
    });
  }
});

it("tells a refusal that comes before any command in the folder of its start", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cutter-start-"));
  expect((await run(["orchestrate", "run"], { PGHOST: "hidden", RUNTIME_DIRECTORY: folder })).code).toBe(10);
  expect(JSON.parse(await readFile(join(folder, "end.json"), "utf8"))).toMatchObject({
    exit_code: 10,
    code: "ENVIRONMENT_DANGEROUS",
    result: "stopped",
  });
  expect((await run(["orchestrate", "run"], { PGHOST: "hidden", RUNTIME_DIRECTORY: join(folder, "gone") })).code).toBe(10);
  await rm(folder, { recursive: true });
});

it.each(["stdout", "stderr"] as const)("keeps its exit code when nobody reads %s any more", async (stream) => {
  const child = spawn(
    process.execPath,
    [...withCompileCache, "--disable-warning=ExperimentalWarning", program, "config", "check", "--json"],
    {
      env: {},
      stdio: "pipe",
    },
  );
  child[stream].destroy();
  child[stream === "stdout" ? "stderr" : "stdout"].resume();
  expect(await new Promise((done) => child.on("close", done))).toBe(78);
});

it("exits 2 for --force, 10 for live, 0 for --help, 78 without configuration", async () => {
  expect((await run(["orchestrate", "run", "--force"])).code).toBe(2);
  expect(await run(["orchestrate", "run", "--run-id", "run-1", "--document", "knowledge/a.md", "--mode", "live"])).toMatchObject({
    code: 10,
    stderr: expect.stringMatching(/^ProductionExecutionNotAuthorized /),
  });
  expect((await run(["--help"])).code).toBe(0);
  expect(await run(["config", "check", "--json"])).toMatchObject({ code: 78, stdout: expect.stringContaining('"code":"CONFIG_MISSING"') });
});
