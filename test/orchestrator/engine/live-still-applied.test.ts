// What an earlier start of a live run did is looked at again by the next one: a revert or a lost row in between stops it, and changed
// inputs never say "nothing written".
import { readFile, rm, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { toStatus } from "../../../orchestrator/core/journal/status.ts";
import { forkLiveWorld, Killed, makeLiveWorld, type KillAt, type LiveWorld } from "../../support/worlds/live-world.ts";

const template = await makeLiveWorld();
await template.approve("SG_1");
await template.approve("SG_2");
afterAll(() => template.remove());
let live: LiveWorld;
beforeEach(async () => {
  live = await forkLiveWorld(template);
});
afterEach(() => live.remove());

const readStatus = async () => toStatus(readChain(await readFile(`${live.folder}/runs/run-1/journal.jsonl`), "journal").records);
const killBefore = async (phase: string): Promise<void> => {
  const killAt: KillAt = (name, at) => name === "before_phase" && at === phase;
  await expect(live.start({ killAt })).rejects.toMatchObject({ cause: expect.any(Killed) });
};

describe("a live run that was interrupted after it had cut", () => {
  it.each(["leg_b_record", "write_verify", "lifecycle_enact", "closeout"])(
    "writes nothing more once its units were retired meanwhile, before %s",
    async (phase) => {
      await killBefore(phase);
      const commits = [...live.cut.commits];
      expect(commits).toContain("cut_leg_a");
      live.cut.retire("run-1");
      expect(await live.start()).toMatchObject({
        result: "stopped",
        code: "STOP_REPLAY_CONFLICT",
        exit_code: 30,
        facts: { step: "cut_leg_a" },
        waits_on: "SG_3",
      });
      expect(live.cut.commits).toEqual(commits);
    },
  );

  it("stops with all three values when rows that its journal calls done are gone", async () => {
    await killBefore("lifecycle_enact");
    const commits = [...live.cut.commits];
    live.cut.rows.verified = [];
    expect(await live.start()).toMatchObject({
      code: "STOP_REPLAY_CONFLICT",
      exit_code: 30,
      facts: { step: "write_verify", unique: "none", recorder: "none" },
    });
    expect(live.cut.commits).toEqual(commits);
  });

  it("goes on when everything stands", async () => {
    await killBefore("lifecycle_enact");
    expect(await live.start()).toMatchObject({ result: "done", exit_code: 0 });
  });
});

describe("a live run that was interrupted after its backup", () => {
  it.each([
    ["gone", (file: string) => rm(file)],
    ["changed", (file: string) => writeFile(file, "other bytes")],
  ])("does not cut when the backup is %s", async (_what, damage) => {
    await killBefore("cut_leg_a");
    await damage(live.world.backups.made[0] ?? "");
    expect(await live.start()).toMatchObject({ result: "stopped", code: "RUN_FILE_DAMAGED", exit_code: 30 });
    expect(live.cut.commits).toEqual([]);
  });
});

describe("a live run that is started with other inputs", () => {
  const inputs = { request_sha256: "0".repeat(64), config_sha256: "0".repeat(64), release_sha256: "f".repeat(64), host_identity: null };

  it("says that something was written once it has claimed its document, and changes nothing", async () => {
    await killBefore("structural_verify");
    const before = await readStatus();
    await expect(live.start({ change: { inputs } })).rejects.toMatchObject({ code: "LIVE_INPUTS_CHANGED", exitCode: 20 });
    expect(await readStatus()).toEqual(before);
  });

  it("says that nothing was written before that", async () => {
    await killBefore("grant_probe");
    await expect(live.start({ change: { inputs } })).rejects.toMatchObject({ code: "RUN_INPUTS_CHANGED", exitCode: 10 });
  });
});
