// Starting again: after an outage, after a kill at every checkpoint, with other inputs, with a damaged folder.
import { execFile } from "node:child_process";
import { appendFile, chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { phaseNames } from "../../../orchestrator/core/phase-names.ts";
import { checkpointNames } from "../../../orchestrator/engine/kernel/checkpoint.ts";
import { withCompileCache } from "../../support/compile-cache.ts";
import { makeWorld, openWorld, runId, type World } from "../../support/worlds/world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.remove());

const startedPhases = async (): Promise<readonly string[]> =>
  readChain(await readFile(join(world.runFolder, "journal.jsonl")), "journal").records.flatMap(({ entry }) =>
    entry.kind === "phase_started" ? [entry.phase] : [],
  );

describe("a knowledge base outage", () => {
  it("is waited out in sight, and the run goes on by itself when it ends", async () => {
    let waits = 0;
    const { clock } = world;
    const wait = clock.wait.bind(clock);
    clock.wait = async (ms, signal) => {
      waits += 1;
      if (waits === 3) world.outage.on = "never";
      await wait(ms, signal);
    };
    world.outage.on = "writes";
    const outcome = await world.start();
    expect(outcome).toMatchObject({ result: "done", certificate: "pass" });
    expect(world.events.filter((event) => event.kind === "gate_waiting").map((event) => event.phase)).toEqual([
      "source_pin",
      "source_pin",
      "source_pin",
    ]);
  });

  it("that lasts ends the start with 11 and names what it waits on; the next start repeats no phase and passes", async () => {
    const before = world.clock.monotonicMs();
    const outcome = await world.start({
      onCheckpoint: (name, phase) => void (name === "intent_recorded" && phase === "cutplan" && (world.outage.on = "writes")),
    });
    expect(outcome).toMatchObject({
      result: "waiting",
      exit_code: 11,
      code: "KB_UNAVAILABLE",
      phase: "cutplan",
      waits_on: "knowledge_base",
      phases_done: 2,
      certificate: null,
    });
    expect(world.clock.monotonicMs() - before).toBeLessThanOrEqual((world.config.phase_soft_cap_minutes + 1) * 60_000);
    world.outage.on = "never";
    expect(await world.start()).toMatchObject({ result: "done", exit_code: 0, certificate: "pass", phases_done: 11 });
    expect(await startedPhases()).toEqual([...phaseNames]);
  });
});

describe("a kill", () => {
  const cases = checkpointNames.flatMap((checkpoint) => ["cutplan", "closeout"].map((phase) => [checkpoint, phase] as const));
  it.each(cases)(
    "at %s of %s leaves a run that the next start finishes, without repeating a phase that was done",
    async (checkpoint, phase) => {
      const signal = await runKilled(checkpoint, phase);
      expect(signal).toBe("SIGKILL");
      world = openWorld(world.folder); // the killed process is gone: its lock is stale
      const outcome = await world.start();
      expect(outcome).toMatchObject({ result: "done", exit_code: 0, phases_done: 11 });
      // What the killed process's connections did is unknown, unless the certificate was made before it died.
      const certified = phase === "closeout" && ["done_recorded", "uploaded", "receipt_recorded"].includes(checkpoint);
      expect(outcome.certificate).toBe(certified ? "pass" : "inconclusive");
      const undone = ["intent_recorded", "observed", "output_written"].includes(checkpoint);
      expect(await startedPhases()).toEqual(phaseNames.flatMap((name) => (name === phase && undone ? [name, name] : [name])));
      expect(await readdir(world.config.global_locks_dir)).toEqual([]);
    },
  );

  function runKilled(checkpoint: string, phase: string): Promise<string | null> {
    const script = join(import.meta.dirname, "../../support/killed-run.ts");
    return new Promise((done) => {
      const child = execFile(process.execPath, [...withCompileCache, script, world.folder, checkpoint, phase], {
        env: {},
      });
      child.on("close", (_code, signal) => done(signal));
    });
  }
});

describe("a stop", () => {
  it("by signal ends the start with 10 at the next checkpoint, and the next start goes on and passes", async () => {
    const stop = new AbortController();
    const outcome = await world.start({
      signal: stop.signal,
      onCheckpoint: (name, phase) => void (name === "uploaded" && phase === "mark" && stop.abort()),
    });
    expect(outcome).toMatchObject({ result: "stopped", exit_code: 10, code: "RUN_INTERRUPTED" });
    expect(await world.start()).toMatchObject({ result: "done", certificate: "pass" });
    expect(await startedPhases()).toEqual([...phaseNames]);
  });

  it("by the hard cap comes at the next checkpoint; a slow phase is warned about", async () => {
    const minutes = (count: number) => world.clock.advance(count * 60_000);
    const outcome = await world.start({
      onCheckpoint: (name, phase) =>
        void (name === "intent_recorded" && (phase === "source_pin" ? minutes(11) : phase === "mark" && minutes(60))),
    });
    expect(outcome).toMatchObject({ result: "stopped", exit_code: 10, code: "RUN_HARD_CAP_REACHED", phase: "mark" });
    expect(world.events).toContainEqual(expect.objectContaining({ kind: "warning", code: "PHASE_SOFT_CAP_PASSED" }));
    expect(await world.start()).toMatchObject({ result: "done", certificate: "pass" });
  });

  it("for a document that is missing, or not registered, leaves exit 10 and its code in outcome.json", async () => {
    world.database.registry.clear();
    expect(await world.start()).toMatchObject({ exit_code: 10, code: "DOCUMENT_NOT_REGISTERED", phase: "source_pin" });
    expect(JSON.parse(await world.readRunFile("outcome.json"))).toMatchObject({ exit_code: 10, code: "DOCUMENT_NOT_REGISTERED" });
    const facts = { ...world.toRun().facts, runId: "run-2.dryrun", documentId: "knowledge/other/nowhere.md" };
    expect(await world.start({ facts })).toMatchObject({ exit_code: 10, code: "DOCUMENT_MISSING" });
  });

  it("for a document that no UTF-8 can hold is refused before anything is computed from it", async () => {
    const { read } = world.ports.knowledgeBase;
    world.ports.knowledgeBase.read = async (id) => {
      const document = await read.call(world.ports.knowledgeBase, id);
      return document === null ? null : { ...document, body: `${document.body}\ud800` };
    };
    expect(await world.start()).toMatchObject({ exit_code: 10, code: "SOURCE_UNFIT", facts: { reason: "not_utf8" }, phase: "source_pin" });
  });

  it("for a bug is recorded as one and thrown with its cause", async () => {
    world.database.readGrantMatrix = () => Promise.reject(new TypeError("boom"));
    await expect(world.start()).rejects.toMatchObject({ code: "INTERNAL_BUG", exitCode: 70, cause: new TypeError("boom") });
    expect(JSON.parse(await world.readRunFile("outcome.json"))).toMatchObject({
      exit_code: 70,
      code: "INTERNAL_BUG",
      phase: "grant_probe",
    });
  });
});

describe("a start is refused", () => {
  const interruptedRun = async (): Promise<void> => {
    world.outage.on = "writes";
    await world.start();
    world.outage.on = "never";
  };

  it("with other inputs than the run was begun with", async () => {
    await interruptedRun();
    const inputs = { ...world.toRun().inputs, release_sha256: "1".repeat(64) };
    await expect(world.start({ inputs })).rejects.toMatchObject({ code: "RUN_INPUTS_CHANGED", facts: { changed: ["release_sha256"] } });
  });

  it("for another document under the same run id, even when the run is done", async () => {
    await world.start();
    const facts = { ...world.toRun().facts, documentId: "knowledge/other/another.md" };
    await expect(world.start({ facts })).rejects.toMatchObject({ code: "RUN_INPUTS_CHANGED", facts: { changed: ["document_id"] } });
  });

  it("when a byte of the journal was edited, when a line was moved, when a line was cut short and ended", async () => {
    await interruptedRun();
    const path = join(world.runFolder, "journal.jsonl");
    const whole = await readFile(path, "utf8");
    await writeFile(path, `${whole.slice(0, -5)}\n`);
    await expect(world.start()).rejects.toMatchObject({ code: "JOURNAL_DAMAGED", exitCode: 30 });
    await writeFile(path, whole.replace('"dryrun"', '"dryrum"'));
    await expect(world.start()).rejects.toMatchObject({ code: "JOURNAL_DAMAGED", exitCode: 30 });
    await writeFile(path, whole.replace('"number":1', '"number":2'));
    await expect(world.start()).rejects.toMatchObject({ code: "JOURNAL_DAMAGED", exitCode: 30 });
    const lines = whole.trimEnd().split("\n");
    await writeFile(path, `${[lines[1], lines[0], ...lines.slice(2)].join("\n")}\n`);
    await expect(world.start()).rejects.toMatchObject({ code: "JOURNAL_DAMAGED", exitCode: 30 });
    await writeFile(path, whole);
    expect(await world.start()).toMatchObject({ result: "done" });
  });

  it("when an output differs from what the journal recorded", async () => {
    await interruptedRun();
    await appendFile(join(world.runFolder, "outputs/01-source-pin.json"), " ");
    await expect(world.start()).rejects.toMatchObject({ code: "RUN_FILE_DAMAGED", exitCode: 30 });
  });

  it("when the run's folder is open to others, or a link, or another run's id in other letters", async () => {
    await mkdir(world.runFolder, { mode: 0o755 });
    await chmod(world.runFolder, 0o755);
    await expect(world.start()).rejects.toMatchObject({ code: "RUN_FOLDER_FOREIGN" });
    const facts = world.toRun().facts;
    await symlink(world.folder, join(world.config.sidecar_root, "linked"));
    await expect(world.start({ facts: { ...facts, runId: "linked" } })).rejects.toMatchObject({ code: "RUN_FOLDER_FOREIGN" });
    await expect(world.start({ facts: { ...facts, runId: runId.toUpperCase() } })).rejects.toMatchObject({
      code: "RUN_ID_TAKEN",
      facts: { reason: "case" },
    });
  });

  it("takes the empty folder that prepare-run made", async () => {
    await mkdir(world.runFolder, { mode: 0o700 });
    expect(await world.start()).toMatchObject({ result: "done" });
  });

  it("in live mode, before a folder, a lock or a connection exists", async () => {
    const facts = { ...world.toRun().facts, mode: "live" as const };
    await expect(world.start({ facts })).rejects.toMatchObject({ code: "ProductionExecutionNotAuthorized", exitCode: 10 });
    expect(await readdir(world.config.sidecar_root)).toEqual([]);
    expect(await readdir(world.config.global_locks_dir)).toEqual([]);
    expect(world.database.calls).toBe(0);
    expect(world.database.connectionEvidence()).toEqual([]);
  });
});
