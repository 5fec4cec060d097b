// Giving a run up without a signature: only where nothing of it stands.
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { phases } from "../../../orchestrator/phases/index.ts";
import { voidRun } from "../../../orchestrator/engine/void.ts";
import type { EnginePorts } from "../../../orchestrator/engine/kernel/ports.ts";
import { forkLiveWorld, liveRunId, makeLiveWorld, type LiveWorld } from "../../support/worlds/live-world.ts";

const template = await makeLiveWorld();
afterAll(() => template.remove());
let live: LiveWorld;
beforeEach(async () => {
  live = await forkLiveWorld(template);
});
afterEach(() => live.remove());

const giveUp = (runId = liveRunId, change: Partial<EnginePorts> = {}) =>
  voidRun(runId, live.world.config, phases, { ...live.world.ports, ...change });
const readRun = (name: string) => readFile(`${live.folder}/runs/${liveRunId}/${name}`, "utf8");

describe("void", () => {
  it("gives up a run that never claimed its document, once the database was asked, and it never starts again", async () => {
    await live.start();
    live.cut.silentReads = 1;
    await expect(giveUp()).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
    expect(await giveUp()).toMatchObject({ result: "voided", code: "RUN_VOIDED", replay: false });
    expect(JSON.parse(await readRun("outcome.json"))).toMatchObject({ result: "voided" });
    expect(await readRun("EVIDENCE.sha256")).toContain("journal.jsonl");
    const journal = await readRun("journal.jsonl");
    await live.approve("SG_1");
    expect(await live.start()).toMatchObject({ result: "voided", exit_code: 10 });
    expect(await giveUp()).toMatchObject({ result: "voided", replay: true });
    expect(await readRun("journal.jsonl")).toBe(journal);
    expect(live.cut.commits).toEqual([]);
  });

  it("gives up a run whose SG_1 was intended and never landed", async () => {
    await live.approve("SG_1");
    await live.start({ killAt: (name, step) => name === "commit_judged" && step === "SG_1" }).catch(() => null);
    expect(await giveUp()).toMatchObject({ result: "voided" });
  });

  it("refuses while the run holds its claim: that takes a signed SG_3", async () => {
    await live.approve("SG_1");
    live.cut.faults.push("none", "refused");
    await live.start();
    await expect(giveUp()).rejects.toMatchObject({ code: "VOID_CLAIM_STANDS", exitCode: 20 });
  });

  it("refuses while units of it stand, and gives it up once they are all reverted", async () => {
    await live.approve("SG_1");
    await live.start();
    await expect(giveUp()).rejects.toMatchObject({ code: "VOID_EFFECTS_STAND", exitCode: 20 });
    live.cut.retire(liveRunId);
    expect(await giveUp()).toMatchObject({ result: "voided" });
  });

  const toFirstLine = (journal: string): string => `${journal.split("\n")[0] ?? ""}\n`;
  it.each<readonly [string, (journal: string) => string]>([
    ["at a line's end", toFirstLine],
    ["with NUL bytes behind it", (journal) => toFirstLine(journal).padEnd(journal.length, "\0")],
    [
      "with all the others on one line, other marks between them",
      (journal) => toFirstLine(journal) + journal.slice(journal.indexOf("\n") + 1).replaceAll("\n", "\r"),
    ],
  ])("refuses while units of it stand of which its journal lost all but the first line, %s: not a byte is touched", async (_how, lose) => {
    await live.approve("SG_1");
    await live.start();
    const left = lose(await readRun("journal.jsonl"));
    await writeFile(`${live.folder}/runs/${liveRunId}/journal.jsonl`, left);
    await expect(giveUp()).rejects.toMatchObject({ code: expect.stringMatching(/^(VOID_EFFECTS_STAND|JOURNAL_DAMAGED)$/) });
    expect(await readRun("journal.jsonl")).toBe(left);
    // Of what was taken back since, the journal still knows nothing: it is no account of this run.
    live.cut.retire(liveRunId);
    await expect(giveUp()).rejects.toMatchObject({ code: "JOURNAL_DAMAGED" });
    expect(await readRun("journal.jsonl")).toBe(left);
  });

  it("refuses while the run holds a claim of which its journal knows nothing", async () => {
    await live.approve("SG_1");
    live.cut.faults.push("none", "refused");
    await live.start();
    await writeFile(`${live.folder}/runs/${liveRunId}/journal.jsonl`, toFirstLine(await readRun("journal.jsonl")));
    await expect(giveUp()).rejects.toMatchObject({ code: "JOURNAL_DAMAGED", facts: { reason: "behind_knowledge_base", records: 1 } });
  });

  it("refuses a run that is done, is enabled, is going on, or never began", async () => {
    await expect(giveUp("run-9")).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
    await live.start();
    for (const state of ["live", "armed"] as const) {
      await expect(
        giveUp(liveRunId, {
          readKillSwitch: () =>
            Promise.resolve(state === "live" ? { state, runId: liveRunId, since: null } : { state, runId: liveRunId, until: null }),
        }),
      ).rejects.toMatchObject({ code: "VOID_RUN_LIVE" });
    }
    const held = await live.world.ports.locks.acquireRun(liveRunId, "another start");
    await expect(giveUp()).rejects.toMatchObject({ code: "RUN_LOCKED" });
    await held.release();
    await expect(giveUp("run-1.dryrun")).rejects.toMatchObject({ code: "VOID_RUN_DONE", exitCode: 10 });
  });
});
