// Runs that are cut off on the booted host, in the ways a host knows: what start-run says then is true, and explain, followed blindly, ends
// each of them.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onHost, run, until, type Ended } from "../support/e2e.ts";
import { follow } from "../support/follow.ts";
import { makeHostOperator } from "../support/host-operator.ts";
import { addDocument, clearLiveTraces, effects, enable, must, nothing, prepared, start, startUntil, whole } from "../support/live-cut.ts";
import { ensureReady } from "../support/ready-host.ts";
import { watch, type Watched } from "../support/watched.ts";

beforeAll(ensureReady);
afterAll(async () => {
  await onHost("[ ! -d /var/lib/cutter/runs.away ] || mv -T /var/lib/cutter/runs.away /var/lib/cutter/runs; umount /run/cutter/results");
  await clearLiveTraces();
});

async function armed(name: string): Promise<string> {
  await addDocument(name);
  const { runId, ruling, sg1, sg2 } = await prepared(name);
  must(await enable(runId, ruling, sg1, sg2));
  return runId;
}

/** Somebody watches by start-run while it is cut off behind `phase`; what that somebody was told. */
async function cutOff(runId: string, number: string, phase: string, cut: () => Promise<unknown>): Promise<Ended> {
  const watched: Watched[] = [];
  const begin = (): void => void watched.push(watch(["runbooks/start-run", "--stack", "sandbox", "--run-id", runId]));
  await startUntil(runId, number, phase, cut, begin);
  const [first] = watched;
  if (first === undefined) throw new Error("nobody watched");
  return await first.ended;
}

async function expectFollowed(runId: string): Promise<readonly string[]> {
  const operator = makeHostOperator(runId);
  const { steps, end } = await follow(operator);
  expect([end.why, await effects(runId)]).toEqual([expect.stringMatching(/^it is done/), whole]);
  expect((await onHost(`cutter audit verify --run-id ${runId}`)).code).toBe(0);
  return steps;
}

describe("a live run that is cut off", () => {
  it("by a kill of the whole unit says RUN_KILLED with the next step, and never that the line broke", async () => {
    const runId = await armed("killed");
    const { code, output } = await cutOff(runId, "06", "cut_leg_a", () => onHost(`systemctl kill -s KILL cutter-run@${runId}`));
    expect([code, output]).toEqual([20, expect.stringMatching(/RUN_KILLED[^]*next: +runbooks\/enable/)]);
    expect(output).not.toContain("RUN_OUTCOME_UNKNOWN");
    const explained = (await onHost(`cutter orchestrate explain --run-id ${runId}`)).stdout;
    expect(explained).toMatch(/its last start, number 1, was cut off: it left no end in the journal/);
    expect((await expectFollowed(runId)).length).toBe(2);
  });

  it("by disable --now says so, and the latch is lifted before it is enabled again", async () => {
    const runId = await armed("disabled");
    const disable = ["runbooks/disable", "--now", "--stack", "sandbox"];
    const { code, output } = await cutOff(runId, "08", "leg_b_record", () => run(disable));
    expect([code, output]).toEqual([20, expect.stringMatching(/next: +runbooks\/disable --clear --stack sandbox/)]);
    expect((await expectFollowed(runId))[0]).toBe("runbooks/disable --clear --stack sandbox");
  });

  it("by a kill a moment after its start, before its journal is there, has written nothing and begins anew", async () => {
    const runId = await armed("early");
    const started = start(runId);
    const unit = `cutter-run@${runId}`;
    await onHost(`until [ "$(systemctl is-active ${unit})" = activating ]; do :; done; systemctl kill -s KILL ${unit}`);
    const { code, output } = await started;
    expect([code, output]).toEqual([10, expect.stringContaining("RUN_KILLED")]);
    expect(await effects(runId)).toBe(nothing);
    const audited = await onHost(`cutter audit verify --run-id ${runId}`);
    expect([audited.code, audited.stderr]).toEqual([10, expect.stringContaining("RUN_UNKNOWN")]);
    expect((await expectFollowed(runId)).length).toBe(2);
  });

  it("by a reboot just after its start is known, enabled again and done", async () => {
    const runId = await armed("rebooting");
    const boot = async () =>
      (await onHost("systemctl show -p UserspaceTimestampMonotonic --value; cat /proc/sys/kernel/random/boot_id")).stdout;
    const before = await boot();
    await onHost(`systemctl start --no-block cutter-run@${runId}; systemctl --no-block reboot`);
    await until(async () => {
      const now = await boot();
      return now !== "" && now !== before && (await onHost("cutter kill-switch status")).code === 0 ? true : null;
    });
    expect((await onHost(`cutter orchestrate explain --run-id ${runId}`)).stdout).toMatch(/next: +runbooks\/enable/);
    await expectFollowed(runId);
  });

  it("by root's step itself, whose process is killed, says what happened and goes on", async () => {
    const runId = await armed("prepared-killed");
    await onHost(`systemctl kill -s KILL cutter-prepare@${runId} 2>/dev/null; systemctl stop cutter-prepare@${runId}`);
    await expectFollowed(runId);
  });
});

describe("a start that never was", () => {
  it("without the folder of runs did not start, says systemd's cause, exits 10, and leaves the token for the next start", async () => {
    const runId = await armed("nowhere");
    await onHost("mv -T /var/lib/cutter/runs /var/lib/cutter/runs.away");
    const { code, output } = await start(runId);
    await onHost("mv -T /var/lib/cutter/runs.away /var/lib/cutter/runs");
    expect([code, output]).toEqual([10, expect.stringMatching(/RUN_UNIT_NOT_SET_UP[^]*step=NAMESPACE/)]);
    expect((await onHost("cutter kill-switch status")).stdout).toContain(`armed ${runId}`);
    expect(await expectFollowed(runId)).toEqual([`runbooks/start-run --run-id ${runId} --stack sandbox`]);
  });

  it("whose result could not be written is told as that, and explain knows how it stands", async () => {
    const runId = await armed("untold");
    await onHost("mount -t tmpfs -o ro,size=4k none /run/cutter/results");
    const { code, output } = await start(runId);
    await onHost("umount /run/cutter/results");
    expect([code, output]).toEqual([expect.toSatisfy((found: number) => found === 10 || found === 30), expect.stringMatching(/next: /)]);
    await expectFollowed(runId);
  });
});
