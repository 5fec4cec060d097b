// A live run from its token to its end, on fakes: what is written, in which order, and what is left.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readFile } from "node:fs/promises";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { makeLiveWorld, uuids, type LiveWorld } from "../../support/worlds/live-world.ts";

let live: LiveWorld;
beforeEach(async () => {
  live = await makeLiveWorld();
  await live.approve("SG_1");
  await live.approve("SG_2");
});
afterEach(() => live.remove());

export const readJournal = async (world: LiveWorld) =>
  readChain(await readFile(`${world.folder}/runs/run-1/journal.jsonl`), "journal").records;

describe("a live run", () => {
  it("writes each effect once, in order, each after its durable intent, and ends as done without a certificate", async () => {
    const outcome = await live.start();
    expect(outcome).toMatchObject({
      result: "done",
      exit_code: 0,
      phases_done: 11,
      certificate: null,
      code: null,
      waits_on: null,
      payload_sha: live.payloadSha,
    });
    expect(live.cut.commits).toEqual(["SG_1", "cut_leg_a", "leg_b_record", "write_verify", "SG_2", "lifecycle_enact"]);
    expect(live.cut.rows.decisions.map(({ id, gate, phase }) => [id, gate, phase])).toEqual([
      [uuids.SG_1, "SG_1", "cut_leg_a"],
      [uuids.SG_2, "SG_2", "lifecycle_enact"],
    ]);
    expect(live.cut.held).toBe(null);
    expect(live.world.backups.made).toHaveLength(1);
  });
});
