// The runs index: one line a run, newest first, others untouched, whoever else writes at the same time.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDirectoryKb } from "../../support/worlds/directory-kb.ts";
import { fileLocks } from "../../../orchestrator/adapters/lock/file-locks.ts";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { putIndexEntry, toIndexBody, type IndexEntryUpload, type IndexEntry } from "../../../orchestrator/uploads/runs-index.ts";
import type { Clock } from "../../../orchestrator/ports/clock.ts";
import type { KnowledgeBase } from "../../../orchestrator/ports/knowledge-base.ts";
import type { RunEvent } from "../../../orchestrator/ports/reporter.ts";
import { FakeClock } from "../../support/worlds/fake-clock.ts";

const line = (runId: string): IndexEntry => ({
  runId,
  documentId: "knowledge/a.md",
  mode: "dryrun",
  result: "done",
  certificate: "pass",
  payloadSha: null,
  finishedAt: "2026-11-22T10:00:00.000Z",
  folderId: `knowledge/runs/${runId}`,
});

it("puts a new run first, keeps the others byte for byte, and writes a run only once", () => {
  const one = toIndexBody(null, line("run-1"));
  const two = toIndexBody(one, line("run-10"));
  const rows = two.split("\n").filter((row) => row.startsWith("| run-"));
  expect(rows.map((row) => row.split(" ")[1])).toEqual(["run-10", "run-1"]);
  expect(one).toContain(rows[1] ?? "nothing");
  expect(toIndexBody(two, line("run-10"))).toBe(two);
});

it("keeps the line of a run that is called like the heading's first cell", () => {
  const one = toIndexBody(null, line("run"));
  const two = toIndexBody(one, line("run-2"));
  expect(two.split("\n").filter((row) => row.startsWith("| run"))).toHaveLength(3);
  expect(two).toContain(one.split("\n")[4] ?? "nothing");
  expect(toIndexBody(two, line("run-2"))).toBe(two);
});

describe("putting a line", () => {
  const id = "knowledge/current-state/cutter-runs/index.md";
  let folder: string;
  let knowledgeBase: KnowledgeBase;
  let clock: FakeClock;
  let events: RunEvent[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "cutter-index-"));
    knowledgeBase = openDirectoryKb({ root: folder, files: nodeFiles });
    clock = new FakeClock();
    events = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const locks = () => fileLocks({ folder, clock, pid: process.pid, bootId: "b".repeat(32) });
  const put = (runId: string, change: Partial<IndexEntryUpload> = {}) =>
    putIndexEntry({
      id,
      entry: line(runId),
      knowledgeBase,
      lock: () => locks().acquire(runId, id),
      clock,
      reporter: { report: (event) => events.push(event) },
      waitAtMostMs: 60_000,
      signal: new AbortController().signal,
      ...change,
    });
  const runsIn = async () =>
    ((await knowledgeBase.read(id))?.body ?? "")
      .split("\n")
      .filter((row) => row.startsWith("| run-"))
      .map((row) => row.split(" ")[1]);
  /** Somebody on another host, who knows nothing of our lock: runs once, right before our write. */
  const withOther = (other: () => Promise<unknown>): KnowledgeBase => {
    let done = false;
    return {
      ...knowledgeBase,
      writeAt: async (document, revision) => {
        if (!done) await other();
        done = true;
        return knowledgeBase.writeAt(document, revision);
      },
    };
  };
  const writeIndex = (body: string) => knowledgeBase.write({ id, title: "Runs of the cutter", body, tags: [] });

  it("keeps the line that another run wrote during an outage", async () => {
    await put("run-1");
    let tries = 0;
    const failing: KnowledgeBase = {
      ...knowledgeBase,
      writeAt: async (document, revision) => {
        if ((tries += 1) > 2) return knowledgeBase.writeAt(document, revision);
        if (tries === 2) await put("run-2");
        throw new CutterError("KB_UNAVAILABLE", { call: "PUT" });
      },
    };
    const receipt = await put("run-3", { knowledgeBase: failing, lock: () => Promise.resolve({ release: () => Promise.resolve() }) });
    expect(await runsIn()).toEqual(["run-3", "run-2", "run-1"]);
    expect(receipt).toMatchObject({ id, revision: 3, sha256: (await knowledgeBase.read(id))?.sha256 });
    expect(events.filter((event) => event.kind === "gate_waiting")).toHaveLength(2);
  });

  it("tries again from what stands there when another host's revision came in between, also at the very first line", async () => {
    for (const runId of ["run-1", "run-3"]) {
      await put(runId, {
        knowledgeBase: withOther(
          async () => await writeIndex(toIndexBody((await knowledgeBase.read(id))?.body ?? null, line(`${runId}-beside`))),
        ),
      });
    }
    expect(await runsIn()).toEqual(["run-3", "run-3-beside", "run-1", "run-1-beside"]);
  });

  it("tries again when somebody wrote over the line before it was read back", async () => {
    await put("run-1");
    let lost = false;
    const overwritten: KnowledgeBase = {
      ...knowledgeBase,
      writeAt: async (document, revision) => {
        const written = await knowledgeBase.writeAt(document, revision);
        if (!lost) await writeIndex(toIndexBody(null, line("run-9")));
        lost = true;
        return written;
      },
    };
    await put("run-2", { knowledgeBase: overwritten });
    expect(await runsIn()).toEqual(["run-2", "run-9"]);
  });

  it("writes nothing new when its line stands there already, as after a lost answer", async () => {
    const lost: KnowledgeBase = {
      ...knowledgeBase,
      writeAt: async (document, revision) => {
        await knowledgeBase.writeAt(document, revision);
        throw new CutterError("KB_UNAVAILABLE", { call: "PUT" });
      },
    };
    expect(await put("run-1", { knowledgeBase: lost })).toMatchObject({ revision: 1 });
    expect(await put("run-1")).toMatchObject({ revision: 1 });
  });

  it("loses no line of eight runs that end at the same time on one host, and leaves no lock", async () => {
    const runs = Array.from({ length: 8 }, (_, index) => `run-${String(index)}`);
    await Promise.all(runs.map((runId) => put(runId, { waitAtMostMs: 86_400_000 })));
    expect((await runsIn()).sort()).toEqual(runs);
    expect((await readdir(folder)).filter((name) => name.endsWith(".lock"))).toEqual([]);
  });

  it("gives up at the bound: with the holder while another run holds the index, with the contention while others keep writing", async () => {
    const held = await locks().acquire("run-8", id);
    await expect(put("run-1")).rejects.toMatchObject({ code: "DOCUMENT_LOCKED", facts: { holder: "run-8", waited_ms: 60_000 } });
    await held.release();
    const contended: KnowledgeBase = { ...knowledgeBase, writeAt: () => Promise.resolve(null) };
    await expect(put("run-1", { knowledgeBase: contended })).rejects.toMatchObject({
      code: "KB_INDEX_CONTENDED",
      exitCode: 11,
      facts: { waited_ms: 60_000 },
    });
    expect(await runsIn()).toEqual([]);
  });

  it("says on giving up how often its line was written and gone again, and whose lines stand there", async () => {
    const emptied: KnowledgeBase = {
      ...knowledgeBase,
      writeAt: async (document, revision) => {
        const written = await knowledgeBase.writeAt(document, revision);
        await writeIndex(toIndexBody(null, line("run-9")));
        return written;
      },
    };
    await expect(put("run-1", { knowledgeBase: emptied })).rejects.toMatchObject({
      code: "KB_INDEX_CONTENDED",
      facts: { tries: 7, written: 7, found_revision: 14, found_lines: 1, found_first: ["run-9"] },
    });
    expect(new Set(events.map((event) => (event.kind === "gate_waiting" ? event.seen : event.kind)))).toEqual(
      new Set(["somebody else writes it at the same time"]),
    );
  });

  it("looks a second time: a line that is gone a moment after it was read back is written again", async () => {
    let looks = 0;
    const late: Clock = {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      wait: async (ms, signal) => {
        if ((looks += 1) === 1) await writeIndex(toIndexBody(null, line("run-9"))); // of another process, which read before us
        await clock.wait(ms, signal);
      },
    };
    await put("run-1", { clock: late });
    expect(await runsIn()).toEqual(["run-1", "run-9"]);
  });

  it("looks the second time as long after its write as that took, because another's may take as long", async () => {
    const waits: number[] = [];
    const noting: Clock = {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      wait: (ms, signal) => {
        waits.push(ms);
        return clock.wait(ms, signal);
      },
    };
    const slow = (ms: number): KnowledgeBase => ({
      ...knowledgeBase,
      writeAt: async (document, revision) => {
        await clock.wait(ms);
        return knowledgeBase.writeAt(document, revision);
      },
    });
    await put("run-1", { clock: noting, knowledgeBase: slow(0) });
    await put("run-2", { clock: noting, knowledgeBase: slow(2_000) });
    await put("run-3", { clock: noting, knowledgeBase: slow(50_000) });
    expect(waits).toEqual([250, 2_250, 30_000]);
  });

  it("does not replace another document that stands at the index's id, and fills an empty one", async () => {
    const foreign = "# Incidents\n\nDo not delete.\n\n| day | what |\n|---|---|\n";
    await writeIndex(foreign);
    await expect(put("run-1")).rejects.toMatchObject({ code: "KB_INDEX_FOREIGN", exitCode: 10, facts: { id, revision: 1 } });
    expect((await knowledgeBase.read(id))?.body).toBe(foreign);
    expect(events).toEqual([]);
    await writeIndex("\n");
    await put("run-1");
    expect(await runsIn()).toEqual(["run-1"]);
  });

  it("refuses a knowledge base that keeps another body than the one sent, and one that lost revisions", async () => {
    const liar: KnowledgeBase = {
      ...knowledgeBase,
      read: async (asked) => {
        const stored = await knowledgeBase.read(asked);
        return stored === null ? null : { ...stored, body: stored.body.toUpperCase() };
      },
    };
    await expect(put("run-1", { knowledgeBase: liar })).rejects.toMatchObject({ code: "KB_READ_BACK_DIFFERS", facts: { reason: "body" } });
    const backwards: KnowledgeBase = {
      ...knowledgeBase,
      writeAt: async (document, revision) => {
        const written = await knowledgeBase.writeAt(document, revision);
        return written === null ? null : { ...written, revision: written.revision + 5 };
      },
    };
    await expect(put("run-2", { knowledgeBase: backwards })).rejects.toMatchObject({
      code: "KB_READ_BACK_DIFFERS",
      facts: { reason: "revision" },
    });
  });

  it("that is interrupted during a pause ends as an interruption, not as an outage", async () => {
    const stop = new AbortController();
    const out: KnowledgeBase = {
      ...knowledgeBase,
      read: () => {
        stop.abort();
        return Promise.reject(new CutterError("KB_UNAVAILABLE", { call: "GET" }));
      },
    };
    await expect(put("run-1", { knowledgeBase: out, signal: stop.signal })).rejects.toMatchObject({ code: "RUN_INTERRUPTED" });
  });
});
