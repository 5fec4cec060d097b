// Killed at every checkpoint and every boundary of every effect, and again inside the recovery: after a restart each effect is there
// exactly once. Generic over the list of phases.
import { readFile } from "node:fs/promises";
import { afterAll, describe, expect, it } from "vitest";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { toStatus } from "../../../orchestrator/core/journal/status.ts";
import { phases as realPhases } from "../../../orchestrator/phases/index.ts";
import { forkLiveWorld, Killed, liveRunId, makeLiveWorld, uuids, type KillAt, type LiveWorld } from "../../support/worlds/live-world.ts";

interface Point {
  readonly name: string;
  readonly phase: string;
}

const template = await makeLiveWorld();
await template.approve("SG_1");
await template.approve("SG_2");
afterAll(() => template.remove());
const { points, appended } = await recordPoints();
const effects = ["SG_1", "cut_leg_a", "leg_b_record", "write_verify", "SG_2", "lifecycle_enact"];

describe("a live run", () => {
  it("meets every checkpoint of every phase and every boundary of every effect, so the sweep leaves nothing out", () => {
    const met = new Set(points.map(({ name, phase }) => `${name} ${phase}`));
    expect(met.size).toBe(points.length);
    for (const { name } of realPhases)
      for (const checkpoint of ["before_phase", "intent_recorded", "output_written", "done_recorded", "uploaded", "receipt_recorded"])
        expect(met).toContain(`${checkpoint} ${name}`);
    for (const step of effects)
      for (const boundary of [
        "effect_intended",
        "permission_made",
        "transaction_recorded",
        "commit_judged",
        "effect_applied",
        "effect_recorded",
      ])
        expect(met).toContain(`${boundary} ${step}`);
    for (const boundary of ["effect_intended", "permission_made", "effect_applied", "effect_recorded"])
      expect(met).toContain(`${boundary} pre_write_backup`);
  });

  it.each(points)("killed at $name of $phase is finished by the next start, each effect once", async ({ name, phase }) => {
    const live = await forkLiveWorld(template);
    try {
      await die(live, (at, where) => at === name && where === phase);
      await expectOracle(live, 1);
      if (name === "effect_applied" && phase !== "pre_write_backup") await expectSaid(live, phase);
    } finally {
      await live.remove();
    }
  });

  const firsts = points.filter(({ phase, name }) => effects.includes(phase) && ["commit_judged", "effect_applied"].includes(name));
  it.each(firsts)(
    "killed at $name of $phase, and again at each of the next boundaries of the recovery, is finished by the third start",
    async ({ name, phase }) => {
      for (let nth = 0; nth < recoveryPoints; nth += 1) {
        const live = await forkLiveWorld(template);
        try {
          await die(live, (at, where) => at === name && where === phase);
          let met = 0;
          const died = await die(live, (at) => at !== "appended" && met++ === nth);
          await expectOracle(live, died ? 2 : 1);
        } finally {
          await live.remove();
        }
      }
    },
  );

  it.each(Array.from({ length: appended }, (_, nth) => nth))(
    "killed right after record %i of its journal became durable is finished by the next start",
    async (nth) => {
      const live = await forkLiveWorld(template);
      try {
        let met = 0;
        const died = await die(live, (name) => name === "appended" && met++ === nth);
        expect(died).toBe(true);
        // The first record stands before any start is counted; the last two after the run is done.
        await (nth >= appended - 2 ? expectDone(live) : expectOracle(live, nth === 0 ? 0 : 1));
      } finally {
        await live.remove();
      }
    },
  );
});

/** How far into the recovery the second kill is tried: beyond it the recovery is a run like any other, which the first sweep covers. */
const recoveryPoints = 9;

async function recordPoints(): Promise<{ readonly points: readonly Point[]; readonly appended: number }> {
  const live = await forkLiveWorld(template);
  const met: Point[] = [];
  await live.start({ killAt: (name, phase) => met.push({ name, phase }) === 0 });
  await live.remove();
  const found = met.filter(({ name }) => name !== "appended");
  return { points: found, appended: met.length - found.length };
}

/** False when the run ended before it was killed. */
async function die(live: LiveWorld, killAt: KillAt): Promise<boolean> {
  const end = await live.start({ killAt }).catch((error: unknown) => error);
  let cause = end;
  while (cause instanceof Error && !(cause instanceof Killed) && cause.cause !== undefined) cause = cause.cause;
  expectOnce(live);
  return cause instanceof Killed;
}

function expectOnce({ cut }: LiveWorld): void {
  expect(new Set(cut.commits).size, `twice: ${cut.commits.join(" ")}`).toBe(cut.commits.length);
  expect(cut.rows.decisions.map(({ gate }) => gate)).toEqual(["SG_1", "SG_2"].filter((gate) => cut.commits.includes(gate)));
}

async function expectOracle(live: LiveWorld, killed: number): Promise<void> {
  const outcome = await live.start();
  expect(outcome).toMatchObject({ result: "done", exit_code: 0, phases_done: live.phases.length, certificate: null, waits_on: null });
  const { cut } = live;
  expect(cut.commits).toEqual(effects);
  expect(cut.rows.decisions.map(({ id }) => id)).toEqual([uuids.SG_1, uuids.SG_2]);
  expect(cut.rows.enacted.length).toBe(cut.rows.units.length);
  expect([cut.rows.legB.length, cut.rows.verified.length, cut.held]).toEqual([1, 1, null]);
  const journal = await readFile(`${live.folder}/runs/${liveRunId}/journal.jsonl`);
  const status = toStatus(readChain(journal, "journal").records); // chain and order verify
  expect(status).toMatchObject({ attempt: killed + 1, attemptOpen: false, escalation: null, voided: null });
  for (const step of effects) expect(status.effects[step as "SG_1"].state).toBe("done");
  const again = await live.start();
  expect(again).toMatchObject({ result: "done", replay: true });
  expect(cut.commits).toEqual(effects);
  expect(await readFile(`${live.folder}/runs/${liveRunId}/journal.jsonl`)).toEqual(journal);
}

/** Only its last word and the files after it were missing. */
async function expectDone(live: LiveWorld): Promise<void> {
  expect(await live.start()).toMatchObject({ result: "done", replay: true });
  expect(live.cut.commits).toEqual(effects);
}

/** An effect that was found and not repeated is told as such, in the document of its phase. */
async function expectSaid(live: LiveWorld, step: string): Promise<void> {
  const phase = { SG_1: "cut_leg_a", SG_2: "lifecycle_enact" }[step] ?? step;
  const number = live.phases.findIndex(({ name }) => name === phase) + 1;
  const body = await live.world.readKb(
    `${live.world.config.kb_runs_folder}/${liveRunId}/${String(number).padStart(2, "0")}-${phase.replaceAll("_", "-")}.md`,
  );
  expect(body).toContain(`- ${step}: **taken as done**`);
}
