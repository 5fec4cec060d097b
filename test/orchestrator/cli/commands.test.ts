// The commands as people and programs see them: text, JSON, exit codes.
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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

describe("orchestrate run", () => {
  it("dry-runs by a request file, prints one JSON object, and is a no-op the second time", async () => {
    const file = await cli.writeRequest(`${runId}.yaml`, request);
    const first = await cli.run("orchestrate", "run", "--request", file, "--json");
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({
      schema: "cutter.orchestrate-run/1",
      result: "done",
      certificate: "pass",
      replay: false,
    });
    const second = await cli.run("orchestrate", "run", "--request", file);
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/\[OK\] done: run run-1\.dryrun .* certificate=pass .*it was done before/);
  });

  it("refuses live with 10 before configuration, lock, journal or database, by option and by request", async () => {
    const file = await cli.writeRequest("run-9.yaml", { ...request, run_id: "run-9", mode: "live" });
    for (const inputs of [
      ["--run-id", "run-9", "--document", documentId, "--mode", "live"],
      ["--request", file],
    ]) {
      const ran = await cli.run("orchestrate", "run", ...inputs);
      expect(ran.code).toBe(10);
      expect(ran.stderr).toMatch(/^ProductionExecutionNotAuthorized /);
    }
    expect(cli.opened).toEqual([]);
    expect(await readdir(world.config.sidecar_root)).toEqual([]);
    expect(await readdir(world.config.global_locks_dir)).toEqual([]);
  });

  it("leaves what each start came to where the root step after it looks for it: a refusal, an end, and a start of a run that was done", async () => {
    const told = async (): Promise<unknown> => JSON.parse(await readFile(join(cli.folder, "end.json"), "utf8"));
    const nothing = { phase: null, certificate: null, payload_sha: null, waits_on: null };
    await cli.run("orchestrate", "run", "--run-id", "run-9", "--document", documentId, "--mode", "live");
    expect(await told()).toEqual({ exit_code: 10, code: "ProductionExecutionNotAuthorized", result: "stopped", ...nothing });
    const file = await cli.writeRequest(`${runId}.yaml`, request);
    for (const start of ["first", "again"]) {
      await cli.run("orchestrate", "run", "--request", file);
      expect(await told(), start).toEqual({
        exit_code: 0,
        code: null,
        result: "done",
        phase: null,
        certificate: "pass",
        payload_sha: expect.stringMatching(/^[0-9a-f]{64}$/),
        waits_on: null,
      });
      await rm(join(cli.folder, "end.json"));
    }
    const broken = await makeCli(await makeWorld(), { openEngine: () => Promise.reject(new TypeError("boom")) });
    await broken.run("orchestrate", "run", "--request", file);
    expect(JSON.parse(await readFile(join(broken.folder, "end.json"), "utf8"))).toEqual({
      exit_code: 70,
      code: "INTERNAL_BUG",
      result: "stopped",
      ...nothing,
    });
  });

  it("does not let a start folder that takes nothing change the exit code", async () => {
    const other = await makeWorld();
    const paths = { ...cli.services.paths, startResult: join(cli.folder, "nowhere/end.json") };
    const without = await makeCli(other, { paths });
    expect((await without.run("orchestrate", "run", "--request", await without.writeRequest(`${runId}.yaml`, request))).code).toBe(0);
    expect((await without.run("orchestrate", "run", "--run-id", "run-9", "--document", documentId, "--mode", "live")).code).toBe(10);
    await other.remove();
  });

  it("refuses live outside its unit even if the switch were on", async () => {
    const on = await makeCli(await makeWorld(), { executionEnabled: () => Promise.resolve(true) });
    const ran = await on.run("orchestrate", "run", "--run-id", "run-9", "--document", documentId, "--mode", "live");
    expect([ran.code, ran.stderr.split(" ")[0], on.opened]).toEqual([10, "EXECUTION_OUTSIDE_UNIT", []]);
  });

  it("writes nothing when the switch says yes and no token can be read: a switch alone is no permission", async () => {
    const on = await makeWorld();
    const ports = { ...on.ports, executionEnabled: () => Promise.resolve(true) };
    const live = await makeCli(on, {
      executionEnabled: () => Promise.resolve(true),
      isInRunUnit: () => Promise.resolve(true),
      openEngine: () => Promise.resolve({ ports, close: () => Promise.resolve() }),
    });
    const ran = await live.run("orchestrate", "run", "--run-id", "run-9", "--document", documentId, "--mode", "live", "--json");
    expect(JSON.parse(ran.stdout)).toMatchObject({ result: "stopped", exit_code: 10, code: "EXECUTION_REVOKED", phase: "source_pin" });
    expect(on.database.connectionEvidence().flatMap((evidence) => evidence.transactionIdsAssigned)).toEqual([]);
  });

  it.each([
    ["another name than its run id", "run-2.yaml", request, "REQUEST_INVALID"],
    ["an unknown key", `${runId}.yaml`, { ...request, force: true }, "REQUEST_INVALID"],
    ["a live run of the kit's suffix", `${runId}.yaml`, { ...request, mode: "live" }, "RUN_ID_INVALID"],
  ])("refuses a request with %s", async (_what, name, content, code) => {
    const ran = await cli.run("orchestrate", "run", "--request", await cli.writeRequest(name, content));
    expect(ran.stderr.split(" ")[0]).toBe(code);
    expect(ran.code).not.toBe(0);
    expect(cli.opened).toEqual([]);
  });

  it("refuses a missing request, a duplicate key, an alias, and options that say otherwise", async () => {
    expect((await cli.run("orchestrate", "run", "--request", join(cli.folder, "none.yaml"))).stderr).toMatch(
      /^REQUEST_INVALID .*reason=missing /,
    );
    const file = await cli.writeRequest(`${runId}.yaml`, request);
    expect(await cli.run("orchestrate", "run", "--request", file, "--document", "knowledge/x.md")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^USAGE_INVALID .*reason=request_and_options_differ .*different=document_id/),
    });
    await writeFile(file, `schema: cutter.request/1\nrun_id: ${runId}\nrun_id: ${runId}\ndocument_id: d\nmode: dryrun\n`);
    expect((await cli.run("orchestrate", "run", "--request", file)).stderr).toMatch(/^REQUEST_INVALID .*line=3.*DUPLICATE_KEY/);
    await writeFile(file, `schema: &a cutter.request/1\nrun_id: *a\ndocument_id: d\nmode: dryrun\n`);
    expect((await cli.run("orchestrate", "run", "--request", file)).stderr).toMatch(/^REQUEST_INVALID .*(aliases|anchors) are not allowed/);
  });

  it("as root runs elsewhere and takes that exit code, having opened nothing", async () => {
    const root = await makeCli(await makeWorld(), { runAsCutter: () => Promise.resolve(11) });
    expect(await root.run("orchestrate", "run", "--run-id", "run-9", "--document", documentId)).toEqual({
      code: 11,
      stdout: "",
      stderr: "",
    });
    expect(root.opened).toEqual([]);
  });

  it("stopped, waiting and failed runs tell their codes in the closing line and the exit code", async () => {
    world.outage.on = "writes";
    const file = await cli.writeRequest(`${runId}.yaml`, request);
    const waiting = await cli.run("orchestrate", "run", "--request", file);
    expect(waiting).toMatchObject({
      code: 11,
      stdout: expect.stringMatching(/\[WARN\] waiting: .* phase=source_pin waits_on=knowledge_base KB_UNAVAILABLE /),
    });
    world.outage.on = "never";
    world.database.registry.clear();
    const other = await cli.writeRequest("run-3.dryrun.yaml", { ...request, run_id: "run-3.dryrun" });
    expect(await cli.run("orchestrate", "run", "--request", other)).toMatchObject({
      code: 10,
      stdout: expect.stringMatching(/\[ERR\] stopped: .* DOCUMENT_NOT_REGISTERED /),
    });
  });
});

describe("status, explain and report", () => {
  it("tell of a waiting run what it waits for, since when, on whom, and the one next command", async () => {
    world.outage.on = "writes";
    await world.start();
    const status = await cli.run("orchestrate", "status", "--json");
    expect(JSON.parse(status.stdout)).toMatchObject({
      schema: "cutter.orchestrate-status/1",
      runs: [
        {
          run_id: runId,
          state: "waiting",
          phase: "source_pin",
          waits_on: "knowledge_base",
          on_whom: expect.stringContaining("knowledge base"),
          since: expect.stringMatching(/^2026-/),
        },
      ],
    });
    const explained = await cli.run("orchestrate", "explain", "--run-id", runId);
    expect(explained.stdout).toContain("certain:  it is a dry run: it has no way to write to the database");
    expect(explained.stdout).toContain(`next:     cutter orchestrate run --run-id ${runId} --document ${documentId}\n`);
    await cli.writeRequest(`${runId}.yaml`, request);
    expect((await cli.run("orchestrate", "explain", "--run-id", runId)).stdout).toContain(
      `next:     runbooks/prepare --run-id ${runId.replace(".dryrun", "")} --document ${documentId}\n`,
    );
  });

  it("end every stop with the same step as data", async () => {
    world.outage.on = "writes";
    const stopped = await cli.run("orchestrate", "run", "--run-id", "run-2", "--document", documentId, "--json");
    expect([stopped.code, JSON.parse(stopped.stdout)]).toEqual([
      11,
      expect.objectContaining({
        result: "waiting",
        next: { command: ["cutter", "orchestrate", "run", "--run-id", "run-2", "--document", documentId] },
        who: "whoever runs the knowledge base, then the operator",
      }),
    ]);
  });

  it("know a run that was only requested, and say what comes next as data, with the stack where root reads it", async () => {
    await cli.writeRequest("run-1.yaml", { ...request, run_id: "run-1", mode: "live" });
    await writeFile(cli.services.paths.ownership, '{"urn":"urn:pulumi:sandbox::kit::x::y"}\n');
    const next = async (): Promise<unknown> => {
      const { code, stdout } = await cli.run("orchestrate", "explain", "--run-id", "run-1", "--json");
      expect(code).toBe(0);
      return (JSON.parse(stdout) as { readonly next: unknown }).next;
    };
    const stack = ["--stack", "sandbox"];
    expect(await next()).toEqual({ command: ["runbooks/prepare", "--run-id", "run-1", "--document", documentId, ...stack] });
    await world.start();
    const papers = ["RULING", "SG_1", "SG_2"].flatMap((gate) => [
      gate === "RULING" ? "--ruling" : "--approval",
      `approvals/run-1/run-1.${gate}.md`,
    ]);
    expect(await next()).toEqual({ command: ["runbooks/enable", "--run-id", "run-1", ...papers, ...stack] });
    await mkdir(join(cli.services.paths.armed, "run-1"), { recursive: true });
    expect(await next()).toEqual({ command: ["runbooks/start-run", "--run-id", "run-1", ...stack] });
    await writeFile(cli.services.paths.latch, "");
    expect(await next()).toEqual({ command: ["runbooks/disable", "--clear", ...stack] });
    const status = await cli.run("orchestrate", "status", "--run-id", "run-1", "--json");
    expect(JSON.parse(status.stdout)).toMatchObject({ runs: [{ run_id: "run-1", state: "not begun" }] });
    expect((await cli.run("orchestrate", "explain", "--run-id", "run-2")).stderr).toContain("RUN_UNKNOWN");
  });

  it("report a finished run from its journal, and refuse one whose outputs were changed", async () => {
    await world.start();
    const report = await cli.run("orchestrate", "report", "--run-id", runId);
    const left = (await world.readRunFile("report.txt")).split("\n");
    expect(left.length).toBeGreaterThan(100);
    expect(report.stdout.split("\n").filter((line) => !left.includes(line))).toEqual([
      expect.stringMatching(/^ {2}- Now, at 2026-11-22T.*: off\.$/),
    ]);
    await writeFile(join(world.runFolder, "outputs/02-mark.json"), "{}");
    expect(await cli.run("orchestrate", "report", "--run-id", runId)).toMatchObject({
      code: 30,
      stderr: expect.stringMatching(/^RUN_FILE_DAMAGED /),
    });
  });

  it("list a damaged run beside the others, and name it when asked for it", async () => {
    await world.start();
    await mkdir(join(world.config.sidecar_root, "broken"), { mode: 0o700 });
    await writeFile(join(world.config.sidecar_root, "broken/journal.jsonl"), "{\n");
    const { runs } = JSON.parse((await cli.run("orchestrate", "status", "--json")).stdout);
    expect(runs).toMatchObject([
      { run_id: "broken", state: "damaged", code: "JOURNAL_DAMAGED" },
      { run_id: runId, state: "done", certificate: "pass" },
    ]);
    expect((await cli.run("orchestrate", "status", "--run-id", "broken")).code).toBe(30);
    expect(await cli.run("orchestrate", "explain", "--run-id", "nothing")).toMatchObject({
      code: 10,
      stderr: expect.stringMatching(/^RUN_UNKNOWN /),
    });
  });
});

describe("grants, contract and configuration", () => {
  it("grants prints the canonical text and both shas", async () => {
    const { stdout } = await cli.run("grants", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      schema: "cutter.grants/1",
      text: world.database.matrixText,
      matches: true,
      sha256: createHash("sha256").update(world.database.matrixText).digest("hex"),
    });
  });

  it("grants shows the matrix of principals that are to be pinned, and what to pin at once", async () => {
    const asked = ["--governance-principal", "cutter_exec", "--revert-principal", "cutter_revert"];
    const { stdout } = await cli.run("grants", ...asked, "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      principals: ["context_pack_readonly", "cutter_exec", "cutter_revert", "cutter_ro", "cutter_verify"],
      pins: { governance_principal: "cutter_exec", revert_principal: "cutter_revert" },
    });
    const sha256 = createHash("sha256").update(world.database.matrixText).digest("hex");
    expect((await cli.run("grants", ...asked)).stdout).toMatch(/to be pinned together, then pulumi up once:\n(.*\n){3}$/);
    expect((await cli.run("grants", ...asked)).stdout.split("\n").slice(-4)).toEqual([
      "  orchestrator:governance_principal: cutter_exec",
      "  orchestrator:revert_principal: cutter_revert",
      `  orchestrator:expected_grant_matrix_sha: ${sha256}`,
      "",
    ]);
    expect((await cli.run("grants")).stdout).not.toContain("pulumi up once");
    expect(await cli.run("grants", "--revert-principal", "a,b")).toMatchObject({ code: 2 });
  });

  it("contract check exits 10 with the differences, 0 without", async () => {
    expect((await cli.run("contract", "check")).code).toBe(0);
    world.database.contractFindings = [{ object: "table public.information_unit", expected: "there", found: "absent" }];
    const ran = await cli.run("contract", "check", "--json");
    expect(ran.code).toBe(10);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      schema: "cutter.contract-check/1",
      matches: false,
      findings: world.database.contractFindings,
    });
    expect(JSON.parse((await cli.run("contract", "capture", "--json")).stdout)).toMatchObject({ schema: "cutter.contract-capture/1" });
  });

  it("connections names each login and the knowledge base with what came of it, and exits 0", async () => {
    const tried = [
      { name: "cutter_exec", kind: "login", problem: null },
      { name: "knowledge_base", kind: "knowledge_base", problem: "KB_UNAVAILABLE it did not answer" },
    ] as const;
    const asking = await makeCli(await makeWorld(), { tryConnections: () => Promise.resolve(tried) });
    expect(await asking.run("connections")).toMatchObject({
      code: 0,
      stdout: "[OK]   cutter_exec answers\n[ERR]  knowledge_base: KB_UNAVAILABLE it did not answer\n",
    });
    expect(JSON.parse((await asking.run("connections", "--json")).stdout)).toEqual({ schema: "cutter.connections/1", tried });
    await rm(asking.folder, { recursive: true });
  });

  it("config check shows every key with its meaning, and 78 with the key for what does not fit", async () => {
    const ran = await cli.run("config", "check", "--json");
    const { keys } = JSON.parse(ran.stdout);
    expect(keys.every((key: { meaning: string }) => key.meaning.length > 10)).toBe(true);
    expect(keys).toContainEqual(expect.objectContaining({ name: "run_hard_cap_minutes", value: 60 }));
    await writeFile(cli.services.paths.config, "unknown_key: s3cret\n");
    const broken = await cli.run("config", "check");
    expect(broken).toMatchObject({ code: 78, stderr: expect.stringMatching(/^CONFIG_INVALID /) });
    expect(broken.stderr).not.toContain("s3cret");
  });
});

describe("self-verify", () => {
  it("compares every file, its mode, and refuses what the manifest does not name", async () => {
    const release = join(world.folder, "release");
    await mkdir(join(release, "bin"), { recursive: true });
    const write = async (name: string, content: string, mode: number): Promise<void> => {
      await writeFile(join(release, name), content);
      await chmod(join(release, name), mode);
    };
    await write("manifest.json", "{}", 0o644);
    await write("bin/node", "node", 0o755);
    await write("bin/cutter.mjs", "cutter", 0o644);
    const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
    const files = [
      { path: "bin/cutter.mjs", sha256: sha256("cutter"), size: 6, mode: "0644" as const },
      { path: "bin/node", sha256: sha256("node"), size: 4, mode: "0755" as const },
    ];
    const verifier = await makeCli(await makeWorld(), {
      readRelease: () =>
        Promise.resolve({
          root: release,
          version: "0.6.0",
          sha256: "0".repeat(64),
          manifest: { schema: "cutter.manifest/1" as const, version: "0.6.0", node: "24.21.0", files },
        }),
    });
    expect((await verifier.run("self-verify", "--json")).code).toBe(0);
    await write("bin/cutter.mjs", "Cutter", 0o644);
    await write("bin/node", "node", 0o644);
    await write("bin/extra", "", 0o644);
    const ran = await verifier.run("self-verify", "--json");
    expect(ran).toMatchObject({ code: 10, stderr: expect.stringMatching(/^RELEASE_DAMAGED /) });
    expect(JSON.parse(ran.stdout).differences).toEqual([
      { path: "bin/cutter.mjs", problem: "other content" },
      { path: "bin/node", problem: "mode 0644, not 0755" },
      { path: "bin/extra", problem: "not in the manifest" },
    ]);
    expect((await cli.run("self-verify")).stderr).toMatch(/^RELEASE_UNKNOWN /);
  });
});
