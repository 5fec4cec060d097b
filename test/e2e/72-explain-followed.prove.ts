// Killed at every checkpoint, every boundary and every record, on fakes: whoever does what explain says, and reads nothing else, ends each
// run, each effect once.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { parseRunId } from "../../orchestrator/core/run-id.ts";
import { explain } from "../../orchestrator/engine/explain/explain.ts";
import { readHostView } from "../../orchestrator/engine/explain/read-host-view.ts";
import { readRunOrRequest, toRunSummary } from "../../orchestrator/engine/records/read-run.ts";
import { phases } from "../../orchestrator/phases/index.ts";
import { follow, type Operator } from "../support/follow.ts";
import { checkout } from "../support/e2e.ts";
import { LiveOperator } from "../support/worlds/live-operator.ts";
import { forkLiveWorld, makeLiveWorld, type LiveWorld } from "../support/worlds/live-world.ts";
import { quickFiles } from "../support/worlds/quick-files.ts";
import { documentId, makeWorld, openWorld, runId, type World } from "../support/worlds/world.ts";

const template = await makeLiveWorld();
afterAll(() => template.remove());
const effects = ["SG_1", "cut_leg_a", "leg_b_record", "write_verify", "SG_2", "lifecycle_enact"];
const { points, appended } = await recordPoints();

async function recordPoints(): Promise<{ readonly points: readonly (readonly [string, string])[]; readonly appended: number }> {
  const met: (readonly [string, string])[] = [];
  await inWorld(async (operator) => void (await operator.startUntil((name, phase) => met.push([name, phase]) === 0)));
  return { points: met.filter(([name]) => name !== "appended"), appended: met.filter(([name]) => name === "appended").length };
}

async function inWorld(work: (operator: LiveOperator, live: LiveWorld) => Promise<void>): Promise<void> {
  const live = await forkLiveWorld(template);
  try {
    await work(new LiveOperator(live), live);
  } finally {
    await live.remove();
  }
}

async function expectEnd(operator: Operator, { cut }: LiveWorld, steps: number): Promise<void> {
  const { steps: taken, end } = await follow(operator);
  expect([end.why, cut.commits, taken.length <= steps]).toEqual([expect.stringMatching(/^it is done/), effects, true]);
}

describe("explain, followed blindly, ends a live run that was killed", () => {
  it.each(points)("at %s of %s", (name, phase) =>
    inWorld(async (operator, live) => {
      expect(await operator.startUntil((at, where) => at === name && where === phase)).toBe(true);
      await expectEnd(operator, live, 2);
    }),
  );

  it.each(points)("at %s of %s, then the latch was set and the host booted", (name, phase) =>
    inWorld(async (operator, live) => {
      await operator.startUntil((at, where) => at === name && where === phase);
      operator.latch();
      operator.reboot();
      await expectEnd(operator, live, 3);
    }),
  );

  it.each(Array.from({ length: appended }, (_, nth) => nth))("right after record %i of its journal", (nth) =>
    inWorld(async (operator, live) => {
      let met = 0;
      expect(await operator.startUntil((name) => name === "appended" && met++ === nth)).toBe(true);
      await expectEnd(operator, live, 2);
    }),
  );

  it.each(points)("at %s of %s, and again at each third boundary of the recovery", (name, phase) =>
    inWorld(async (operator, live) => {
      await operator.startUntil((at, where) => at === name && where === phase);
      for (let nth = 1; nth < 4; nth += 1) {
        let met = 0;
        await operator.startUntil((at) => at !== "appended" && met++ === nth * 3);
      }
      await expectEnd(operator, live, 2);
    }),
  );
});

describe("explain, followed blindly, ends a dry run that was killed", () => {
  const checkpoints = ["before_phase", "intent_recorded", "output_written", "done_recorded", "uploaded", "receipt_recorded"];
  it.each(phases.flatMap(({ name }) => checkpoints.map((checkpoint) => [checkpoint, name] as const)))(
    "at %s of %s",
    async (checkpoint, phase) => {
      const world = await makeWorld();
      try {
        const killed = spawnSync(process.execPath, [join(checkout, "test/support/killed-run.ts"), world.folder, checkpoint, phase]);
        expect(killed.signal).toBe("SIGKILL");
        const { steps, end } = await follow(toDryOperator(world));
        expect([steps, end.why]).toEqual([
          [`runbooks/prepare --run-id run-1 --document ${documentId}`],
          expect.stringMatching(/^it is done/),
        ]);
      } finally {
        await world.remove();
      }
    },
  );
});

function toDryOperator({ folder, config }: World): Operator {
  mkdirSync(join(folder, "requests"));
  const request = { schema: "cutter.request/1", run_id: runId, document_id: documentId, mode: "dryrun", approvals: {} };
  writeFileSync(join(folder, "requests", `${runId}.yaml`), stringify(request));
  const id = parseRunId(runId, { allowDryRunSuffix: true });
  const look = {
    files: quickFiles,
    sidecarRoot: config.sidecar_root,
    requests: join(folder, "requests"),
    results: join(folder, "results"),
    readUnit: () => Promise.resolve({ state: "ended" } as const),
    readKillSwitch: () => Promise.resolve({ state: "off" } as const),
  };
  let typed = 0;
  return {
    explain: async () => {
      const run = await readRunOrRequest(quickFiles, look.sidecarRoot, look.requests, id);
      return explain(
        run,
        toRunSummary(
          run,
          phases.map(({ name }) => name),
        ),
        await readHostView(look, id, run),
      );
    },
    type: async () => {
      typed += 1;
      await openWorld(folder).start();
    },
    sign: () => Promise.reject(new Error("a dry run needs no signature")),
    look: () => Promise.resolve(String(typed)),
  };
}
