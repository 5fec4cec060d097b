// What a start is said to have ended with: an interruption wherever it is met, and the first cause even when it cannot be recorded.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { runPhases } from "../../../orchestrator/engine/run.ts";
import { documentId, makeWorld, type World } from "../../support/worlds/world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.remove());

const readOutcome = async (): Promise<unknown> => JSON.parse(await world.readRunFile("outcome.json"));

describe("a start that is told to stop", () => {
  it.each(["outage", "aborted call"] as const)(
    "during a phase's own read of the knowledge base, which then ends as an %s, is interrupted and waits on nobody",
    async (kind) => {
      const stop = new AbortController();
      const { knowledgeBase } = world.ports;
      const read = async (id: string) => {
        if (id !== documentId) return knowledgeBase.read(id);
        stop.abort();
        throw kind === "outage" ? new CutterError("KB_UNAVAILABLE", { reason: "interrupted" }) : new DOMException("stopped", "AbortError");
      };
      const outcome = await runPhases(world.toRun({ signal: stop.signal }), { ...world.ports, knowledgeBase: { ...knowledgeBase, read } });
      expect(outcome).toMatchObject({
        result: "stopped",
        exit_code: 10,
        code: "RUN_INTERRUPTED",
        phase: "source_pin",
        waits_on: null,
        facts: { phase: "source_pin" },
      });
      expect(await world.start()).toMatchObject({ result: "done", certificate: "pass" });
    },
  );

  it("during a wait at the internal gate is interrupted, and passes when it is started again", async () => {
    const stop = new AbortController();
    world.outage.on = "writes";
    const report = world.ports.reporter.report.bind(world.ports.reporter);
    const ports = {
      ...world.ports,
      reporter: { report: (event: Parameters<typeof report>[0]) => (event.kind === "gate_waiting" ? stop.abort() : report(event)) },
    };
    expect(await runPhases(world.toRun({ signal: stop.signal }), ports)).toMatchObject({
      exit_code: 10,
      code: "RUN_INTERRUPTED",
      waits_on: null,
    });
    world.outage.on = "never";
    expect(await world.start()).toMatchObject({ result: "done", certificate: "pass" });
  });

  it("keeps the code of what else went wrong at that moment", async () => {
    const stop = new AbortController();
    const { knowledgeBase } = world.ports;
    const read = (id: string) => {
      stop.abort();
      return Promise.reject(new CutterError("KB_READ_BACK_DIFFERS", { reason: "document", id }));
    };
    expect(
      await runPhases(world.toRun({ signal: stop.signal }), { ...world.ports, knowledgeBase: { ...knowledgeBase, read } }),
    ).toMatchObject({ code: "KB_READ_BACK_DIFFERS", facts: { reason: "document" } });
  });
});

describe("a journal that cannot be written", () => {
  const failingAt = (kind: string, reason = "ELOOP") => ({
    ...world.ports,
    openJournal: (path: string) => {
      const store = world.ports.openJournal(path);
      let broken = false;
      const append = async (line: string): Promise<void> => {
        broken ||= line.includes(`"kind":"${kind}"`);
        if (broken) throw new CutterError("JOURNAL_NOT_WRITTEN", { file: path, reason });
        await store.append(line);
      };
      return { ...store, append };
    },
  });

  it("does not hide why the run stopped: the first cause is told, with the journal's failure as a fact", async () => {
    world.database.registry.clear();
    expect(await runPhases(world.toRun(), failingAt("attempt_ended"))).toMatchObject({
      result: "stopped",
      code: "DOCUMENT_NOT_REGISTERED",
      exit_code: 10,
      facts: { document_id: documentId, not_recorded: "JOURNAL_NOT_WRITTEN", not_recorded_reason: "ELOOP" },
    });
  });

  it("in the middle of a run is itself the first cause, told once", async () => {
    expect(await runPhases(world.toRun(), failingAt("phase_done"))).toMatchObject({
      result: "stopped",
      code: "JOURNAL_NOT_WRITTEN",
      exit_code: 30,
      facts: { reason: "ELOOP" },
    });
  });

  it("after the last phase does not let the run be called done", async () => {
    expect(await runPhases(world.toRun(), failingAt("attempt_ended"))).toMatchObject({ code: "JOURNAL_NOT_WRITTEN", exit_code: 30 });
    await expect(readFile(join(world.runFolder, "outcome.json"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

it("a run folder that takes no outcome any more does not hide why the run stopped", async () => {
  const writeAtomic: typeof world.ports.files.writeAtomic = async (path, content, mode) => {
    if (path.endsWith("outcome.json")) throw Object.assign(new Error("full"), { code: "ENOSPC" });
    await world.ports.files.writeAtomic(path, content, mode);
  };
  world.database.registry.clear();
  expect(await runPhases(world.toRun(), { ...world.ports, files: { ...world.ports.files, writeAtomic } })).toMatchObject({
    code: "DOCUMENT_NOT_REGISTERED",
    exit_code: 10,
    facts: { not_recorded: "DISK_FULL", not_recorded_reason: "ENOSPC" },
  });
  await rm(world.runFolder, { recursive: true });
  expect(await world.start()).toMatchObject({ code: "DOCUMENT_NOT_REGISTERED" });
  expect(await readOutcome()).toMatchObject({ code: "DOCUMENT_NOT_REGISTERED" });
});
