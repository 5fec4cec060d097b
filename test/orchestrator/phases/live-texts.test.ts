// What a live run's documents say of each write phase: what was done and by whom, where a dry run's say that nothing was; and of others who
// wrote meanwhile.
import { afterEach, beforeEach, expect, it } from "vitest";
import { toPhaseDocumentId } from "../../../orchestrator/core/knowledge-base/phase-document-id.ts";
import { liveRunId, makeLiveWorld, type LiveWorld } from "../../support/worlds/live-world.ts";
import { runId as dryRunId } from "../../support/worlds/world.ts";
import type { PhaseName } from "../../../orchestrator/core/phase-names.ts";

let live: LiveWorld;
beforeEach(async () => {
  live = await makeLiveWorld();
  await live.approve("SG_1");
  await live.approve("SG_2");
});
afterEach(() => live.remove());

const readDocument = async (runId: string, number: number, phase: PhaseName): Promise<string> =>
  (await live.world.readKb(toPhaseDocumentId(live.world.config.kb_runs_folder, runId, number, phase))) ?? "";

it("tells each effect as done in a live run and as computed in a dry run", async () => {
  await live.start();
  const told = [
    [6, "cut_leg_a", /calls of fn_iu_create computed, none made/, /\d+ units created in one transaction by cutter_exec/],
    [8, "leg_b_record", /governance rows computed, none inserted/, /3 governance rows recorded by directus_secdef/],
    [9, "write_verify", /the verifier's row computed, not inserted/, /a second look agrees with the plan; recorded by cutter_verify/],
    [10, "lifecycle_enact", /calls of fn_iu_enact computed, none made/, /\d+ units brought into force in one transaction by cutter_exec/],
    [7, "structural_verify", /units of the plan/, /units read back from the database/],
    [11, "closeout", /no-side-effect certificate: pass/, /every table in scope grew by exactly this run's rows/],
  ] as const;
  for (const [number, phase, dry, wet] of told) {
    const [ofDry, ofLive] = [await readDocument(dryRunId, number, phase), await readDocument(liveRunId, number, phase)];
    expect(ofDry).toMatch(dry);
    expect(ofDry).not.toMatch(wet);
    expect(ofLive).toMatch(wet);
    expect(ofLive).not.toMatch(dry);
  }
});

it("gives no certificate to a live run, and says that its own switch is live and what ends it", async () => {
  expect(await live.start()).toMatchObject({ result: "done", certificate: null });
  const text = await readDocument(liveRunId, 11, "closeout");
  expect(text).not.toMatch(/certificate/);
  expect(text).toMatch(/kill switch while this is written.*live/);
  expect(text).toMatch(/This run's token is removed by the root step after the run/);
});

it("tells in its closeout that somebody else wrote meanwhile, and in which table", async () => {
  await live.start({
    arrange: ({ database }) => {
      const { readTableCensus } = database;
      let looks = 0;
      database.readTableCensus = async () => {
        looks += 1;
        if (looks === 2) database.writeAsStranger("sandbox_tac.unit_version", (rows) => rows.push("a stranger's"));
        return await readTableCensus.call(database);
      };
    },
  });
  const text = await readDocument(liveRunId, 11, "closeout");
  expect(text).toMatch(/this run's rows are all there; 1 tables grew by more, so others wrote as well/);
  expect(text).toMatch(/\| `sandbox_tac.unit_version` \| 0 \| 1 \|/);
});

it("stops in closeout under another run's token", async () => {
  const foreign = { readKillSwitch: () => Promise.resolve({ state: "live" as const, runId: "run-2", since: null }) };
  expect(await live.start({ ports: foreign })).toMatchObject({ result: "stopped", code: "SWITCH_NOT_OFF", phase: "closeout" });
});
