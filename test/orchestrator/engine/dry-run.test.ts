// The dry run from phase 1 to 11, judged by what lies in the folders afterwards.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { phaseNames, type PhaseName } from "../../../orchestrator/core/phase-names.ts";
import { runPhases } from "../../../orchestrator/engine/run.ts";
import { readPhase, type Phase } from "../../../orchestrator/phases/define.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import { toVerdict } from "../../../orchestrator/core/run/verdict.ts";
import { documentBody, documentId, makeWorld, runId, type World } from "../../support/worlds/world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.remove());

const kbFolder = "knowledge/current-state/cutter-runs/run-1.dryrun";

describe("a dry run", () => {
  it("goes through all 11 phases, certifies that nothing was written, and leaves every document and file", async () => {
    const outcome = await world.start();
    expect(outcome).toMatchObject({ result: "done", exit_code: 0, certificate: "pass", phases_done: 11, replay: false });
    expect((await readdir(join(world.runFolder, "outputs"))).map((name) => name.slice(3, -5).replaceAll("-", "_"))).toEqual([
      ...phaseNames,
    ]);
    for (const [index, name] of phaseNames.entries()) {
      const body = await world.readKb(`${kbFolder}/${String(index + 1).padStart(2, "0")}-${name.replaceAll("_", "-")}.md`);
      expect(body, name).toContain(`phase ${String(index + 1)}: ${name}`);
    }
    expect(await world.readRunFile("source.md")).toBe(documentBody);
    expect(
      createHash("sha256")
        .update(await world.readRunFile("plan.json"))
        .digest("hex"),
    ).toBe(outcome.payload_sha);
    expect(JSON.parse(await world.readRunFile("outcome.json"))).toMatchObject({ exit_code: 0, certificate: "pass" });
    expect(await world.readKb(world.config.kb_runs_index_path)).toContain(`| ${runId} | dryrun | ${documentId} | done | pass |`);
    expect(await readdir(world.config.global_locks_dir)).toEqual([]);
    expect(world.database.snapshotsOpen).toBe(0);
  });

  it("keeps its folder 0700, its files 0600, and digests of them that hold", async () => {
    await world.start();
    expect((await stat(world.runFolder)).mode & 0o777).toBe(0o700);
    for (const name of [
      "journal.jsonl",
      "plan.json",
      "source.md",
      "outcome.json",
      "report.txt",
      "certificate.json",
      "request.yaml",
      "EVIDENCE.sha256",
      "outputs/03-cutplan.json",
    ]) {
      expect((await stat(join(world.runFolder, name))).mode & 0o777, name).toBe(0o600);
    }
  });

  it("lists every file of its folder in EVIDENCE.sha256, journal and outcome included, and the system's sha256sum agrees", async () => {
    const strange = "outputs/a \\ and\na line";
    await world.start({
      onCheckpoint: (name, phase) =>
        void (
          name === "intent_recorded" &&
          phase === "mark" &&
          writeFileSync(join(world.runFolder, strange), Buffer.from([0xff, 0xfe, 0x00]))
        ),
    });
    const entries = await readdir(world.runFolder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => relative(world.runFolder, join(entry.parentPath, entry.name)));
    expect(files).toEqual(
      expect.arrayContaining(["source.md", "plan.json", "certificate.json", "grant-matrix.txt", "journal.jsonl", "outcome.json", strange]),
    );
    const checked = execFileSync("sha256sum", ["--check", "--strict", "EVIDENCE.sha256"], { cwd: world.runFolder, encoding: "utf8" });
    expect(checked.trimEnd().split("\n")).toHaveLength(files.length - 1); // all but itself
    const listed = (await world.readRunFile("EVIDENCE.sha256"))
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^\\?[0-9a-f]{64} {2}/, ""));
    expect(listed.filter((name) => !name.includes("\\")).sort()).toEqual(
      files.filter((name) => name !== "EVIDENCE.sha256" && name !== strange).sort(),
    );
  });

  it("killed before its digests stood gets them when it is asked for again; digests that stand are never written anew", async () => {
    await world.start();
    const evidence = await world.readRunFile("EVIDENCE.sha256");
    await rm(join(world.runFolder, "EVIDENCE.sha256"));
    await world.start();
    expect(await world.readRunFile("EVIDENCE.sha256")).toBe(evidence);
    await writeFile(join(world.runFolder, "report.txt"), "edited by somebody");
    await world.start();
    expect(await world.readRunFile("EVIDENCE.sha256")).toBe(evidence);
    expect(() =>
      execFileSync("sha256sum", ["--check", "--strict", "EVIDENCE.sha256"], { cwd: world.runFolder, stdio: "ignore" }),
    ).toThrow();
  });

  it("carries in each phase document the sequence and head of its journal", async () => {
    await world.start();
    const journal = await world.readRunFile("journal.jsonl");
    const hashes = journal
      .trimEnd()
      .split("\n")
      .map((line) => createHash("sha256").update(line).digest("hex"));
    for (const [index, name] of phaseNames.entries()) {
      const body = (await world.readKb(`${kbFolder}/${String(index + 1).padStart(2, "0")}-${name.replaceAll("_", "-")}.md`)) ?? "";
      const record = z
        .object({ journal: z.object({ seq: z.int(), head: z.string() }) })
        .parse(JSON.parse(/```json\n([\s\S]*?)\n```\n$/.exec(body)?.[1] ?? ""));
      expect(hashes[record.journal.seq], name).toBe(record.journal.head);
    }
  });

  it("asked for again is a no-op with the same result", async () => {
    const first = await world.start();
    const journal = await world.readRunFile("journal.jsonl");
    const calls = world.database.calls;
    const second = await world.start();
    expect(second).toEqual({ ...first, replay: true });
    expect(await world.readRunFile("journal.jsonl")).toBe(journal);
    expect(world.database.calls).toBe(calls);
  });

  it("records the two decision rows before the phases they allow, without an id", async () => {
    await world.start();
    const { records } = readChain(Buffer.from(await world.readRunFile("journal.jsonl")), "journal");
    const kinds = records.map(({ entry }) =>
      entry.kind === "decision_rehearsed" ? `${entry.gate} ${entry.phase}` : entry.kind === "phase_started" ? entry.phase : entry.kind,
    );
    expect(kinds.indexOf("SG_1 cut_leg_a")).toBe(kinds.indexOf("cut_leg_a") + 1);
    expect(kinds.indexOf("SG_2 lifecycle_enact")).toBe(kinds.indexOf("lifecycle_enact") + 1);
    const rows = records.flatMap(({ entry }) => (entry.kind === "decision_rehearsed" ? [entry.row] : []));
    expect(rows.map((row) => row["id"])).toEqual([null, null]);
  });
});

describe("what would stop a live run", () => {
  it("is recorded with its code, and the dry run reaches phase 11 nevertheless", async () => {
    const { database, dumpSource } = world;
    database.server = { ...database.server, inRecovery: true, fsync: false };
    database.contractFindings = [{ object: "function public.fn_iu_create", expected: "jsonb", found: "absent" }];
    database.hiddenTables = [{ login: "cutter_verify", role: "cutter_verify", table: "public.unit_version", why: "row security" }];
    database.addressesTaken = ["harmless/one"];
    database.matrixText = "role cutter_exec superuser\n";
    database.probes = database.probes.map((probe) =>
      probe.login === "cutter_exec" ? { ...probe, refused: false, sqlState: null } : probe,
    );
    const rows = database.registry.get(documentId);
    if (rows !== undefined) database.registry.set(documentId, { ...rows, registeredSha256: "f".repeat(64) });
    dumpSource.version = "16.13";
    dumpSource.exitCode = 1;
    const config = { ...world.config, governance_principal: null };
    const outcome = await world.start({ facts: { ...world.toRun().facts, config, releaseSha256: null } });
    expect(outcome).toMatchObject({ result: "done", exit_code: 0, certificate: "inconclusive", phases_done: 11 });
    const codes = new Map<string, string[]>();
    for (const { phase, code } of outcome.would_refuse) codes.set(phase, [...(codes.get(phase) ?? []), code]);
    expect(Object.fromEntries(codes)).toEqual({
      source_pin: [
        "RELEASE_UNKNOWN",
        "SERVER_IS_STANDBY",
        "SERVER_NOT_DURABLE",
        "PG_DUMP_TOO_OLD",
        "SOURCE_REGISTRY_DIFFERS",
        "DATABASE_ROWS_HIDDEN",
        "CONTRACT_MISMATCH",
      ],
      cutplan: ["ADDRESSES_TAKEN"],
      pre_write_backup: ["BACKUP_UNPROVEN"],
      grant_probe: ["PRINCIPAL_NOT_PINNED", "GRANT_MATRIX_MISMATCH", "PRINCIPAL_TOO_STRONG", "FORBIDDEN_RIGHT_PRESENT"],
      cut_leg_a: ["APPROVAL_MISSING", "PRINCIPAL_NOT_PINNED", "ADDRESSES_TAKEN"],
      leg_b_record: ["PRINCIPAL_NOT_PINNED"],
      lifecycle_enact: ["APPROVAL_MISSING", "PRINCIPAL_NOT_PINNED"],
    });
    expect(await world.readRunFile("grant-matrix.txt")).toBe(database.matrixText);
  });

  it.each([
    ["14.19", 140_019],
    ["19.0", 190_000],
  ])("names a server of a version that is not supported: %s", async (serverVersion, serverVersionNum) => {
    world.database.server = { ...world.database.server, serverVersion, serverVersionNum };
    expect((await world.start()).would_refuse).toContainEqual(
      expect.objectContaining({ phase: "source_pin", code: "SERVER_UNSUPPORTED", facts: { server_version: serverVersion } }),
    );
  });

  it("is counted in full by closeout, its own reason included, while a token is armed", async () => {
    const ports = { ...world.ports, readKillSwitch: () => Promise.resolve({ state: "armed", runId: "run-2", until: null } as const) };
    const outcome = await runPhases(world.toRun(), ports);
    expect(outcome.would_refuse.map(({ code }) => code)).toEqual(["APPROVAL_MISSING", "APPROVAL_MISSING", "SWITCH_NOT_OFF"]);
    expect(JSON.parse(await world.readRunFile("outputs/11-closeout.json"))).toMatchObject({ killSwitch: "armed", wouldRefuse: 3 });
    expect(await world.readRunFile("report.txt")).toMatch(/reasons that would stop a live run +3\n/);
  });

  it("is only the missing approvals when everything else is as it should be", async () => {
    const outcome = await world.start();
    expect(outcome.would_refuse.map(({ phase, code }) => `${phase} ${code}`)).toEqual([
      "cut_leg_a APPROVAL_MISSING",
      "lifecycle_enact APPROVAL_MISSING",
    ]);
  });
});

describe("the certificate", () => {
  const extra = (name: string, act: () => void): Phase =>
    readPhase({
      name: name as PhaseName,
      needs: {},
      output: z.strictObject({}),
      observe: () => {
        act();
        return Promise.resolve(null);
      },
      precondition: () => toVerdict(),
      conclude: () => ({}),
      text: () => ({ summary: "a phase of the test", facts: [] }),
    });
  const withExtra = (phase: Phase): readonly Phase[] => [...phases.slice(0, 6), phase, ...phases.slice(6)];

  it("fails a run with a phase that inserts and deletes one row, and the exit code says it is our bug", async () => {
    const insertAndDelete = extra("test_write", () => {
      world.database.writeAs("governance", "public.information_unit", (rows) => rows.push("a row"));
      world.database.writeAs("governance", "public.information_unit", (rows) => rows.pop());
    });
    const outcome = await world.start({ phases: withExtra(insertAndDelete) });
    expect(outcome).toMatchObject({ certificate: "fail", exit_code: 70, code: "DRY_RUN_WROTE", phases_done: 12 });
  });

  it.each([
    ["is another one", { systemIdentifier: "7000000000000000002" }, "the database is another one"],
    ["lost its counters", { statisticsResetAt: "2026-11-22T10:00:00.000000Z" }, "reset or lost meanwhile"],
    ["stopped counting", { countsTracked: false }, "track_counts was off"],
  ])("is inconclusive when the database %s meanwhile, and its document says so", async (_what, change, reason) => {
    const outcome = await world.start({
      phases: withExtra(extra("test_server", () => void (world.database.server = { ...world.database.server, ...change }))),
    });
    expect(outcome).toMatchObject({ certificate: "inconclusive", exit_code: 0 });
    expect(world.events).toContainEqual(expect.objectContaining({ kind: "warning", code: "CERTIFICATE_INCONCLUSIVE" }));
    expect(await world.readKb(`${kbFolder}/12-closeout.md`)).toContain(reason);
  });

  it("says in its document that pg_dump's own session is not among the connections asked", async () => {
    await world.start();
    expect(await world.readKb(`${kbFolder}/11-closeout.md`)).toMatch(/## What this certificate does not cover\n\n- pg_dump's own session/);
  });

  it.each([
    ["inserts and deletes again", (rows: string[]) => rows.splice(rows.push("theirs") - 1)],
    ["leaves a row", (rows: string[]) => [rows.push("theirs")]],
  ])("is inconclusive when a stranger %s meanwhile", async (_what, change) => {
    const outcome = await world.start({
      phases: withExtra(
        extra("test_stranger", () => world.database.writeAsStranger("sandbox_tac.unit_version", (rows) => void change(rows))),
      ),
    });
    expect(outcome).toMatchObject({ certificate: "inconclusive", exit_code: 0 });
  });
});
