// Two starts at once, and what a start leaves when it cannot give back what it held.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { toStatus } from "../../../orchestrator/core/journal/status.ts";
import { runPhases } from "../../../orchestrator/engine/run.ts";
import { documentId, makeWorld, runId, type World } from "../../support/worlds/world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.remove());

const journalStatus = async () => toStatus(readChain(await readFile(join(world.runFolder, "journal.jsonl")), "journal").records);

it("under one run id with different documents: the second is refused with what the first works on, and the first's journal verifies", async () => {
  const other = { ...world.toRun().facts, documentId: "knowledge/other/another.md" };
  let second: Promise<unknown> = Promise.resolve();
  const first = await world.start({
    onCheckpoint: (name, phase) => {
      if (name === "intent_recorded" && phase === "mark") second = world.start({ facts: other }).catch((error: unknown) => error);
    },
  });
  expect(await second).toMatchObject({
    code: "RUN_LOCKED",
    exitCode: 10,
    facts: { run_id: runId, document_id: documentId, pid: process.pid },
  });
  expect(first).toMatchObject({ result: "done", certificate: "pass" });
  expect((await journalStatus()).finished).toMatchObject({ certificate: "pass" });
  expect(await readdir(world.config.global_locks_dir)).toEqual([]);
});

it("on one document under different run ids: the second is refused with the first's run id and leaves no folder", async () => {
  const other = { ...world.toRun().facts, runId: "run-2.dryrun" };
  let second: Promise<unknown> = Promise.resolve();
  const first = await world.start({
    onCheckpoint: (name, phase) => {
      if (name === "intent_recorded" && phase === "mark") second = world.start({ facts: other }).catch((error: unknown) => error);
    },
  });
  expect(await second).toMatchObject({ code: "DOCUMENT_LOCKED", facts: { holder: runId } });
  expect(first).toMatchObject({ result: "done", certificate: "pass" });
  expect(await readdir(world.config.sidecar_root)).toEqual([runId]);
  expect(await readdir(world.config.global_locks_dir)).toEqual([]);
});

it("a journal that cannot be closed leaves no lock behind, is warned about, and changes nothing of the outcome", async () => {
  const ports = {
    ...world.ports,
    openJournal: (path: string) => {
      const store = world.ports.openJournal(path);
      return { ...store, close: () => store.close().then(() => Promise.reject(new Error("EIO"))) };
    },
  };
  expect(await runPhases(world.toRun(), ports)).toMatchObject({ result: "done", exit_code: 0 });
  expect(world.events).toContainEqual(expect.objectContaining({ kind: "warning", code: "LOCK_NOT_RELEASED" }));
  expect(await readdir(world.config.global_locks_dir)).toEqual([]);
});
