// Confirm or revert on the booted host: a release that does not work goes back, one that does is confirmed, and the way back to an older
// release. `npm run prove` has the slow ends.
import { afterAll, beforeAll, expect, it } from "vitest";
import { ensureReady } from "../support/ready-host.ts";
import { onTrialHost, openReleaseTrial, readCurrent, testUnhealthyReleases, type ReleaseTrial } from "../support/release-trial.ts";
import { pulumi } from "../support/stack.ts";

let trial: ReleaseTrial;

beforeAll(async () => {
  await ensureReady();
  trial = await openReleaseTrial();
});
afterAll(() => trial.close());

testUnhealthyReleases(
  () => trial,
  [["starts but says it is not well", "cutter", 'case "$*" in *self-verify*) echo "[ERR] not well" >&2; exit 10;; esac']],
);

it("an up with another good release confirms it, and pinning the older one goes back to it without an upload", async () => {
  const { good, upWith } = trial;
  const other = await trial.alter("cutter", ": another one that works");
  expect((await upWith(other)).code).toBe(0);
  expect(await readCurrent()).toBe(other);
  await onTrialHost("touch /run/cutter-e2e-marker");
  const pinned = await upWith(good);
  expect(pinned.output).not.toContain("error:");
  expect(pinned.code).toBe(0);
  expect(await onTrialHost("basename -a $(readlink /opt/cutter/current /opt/cutter/last-good)")).toBe(`${good}\n${other}`);
  expect(await onTrialHost("find /opt/cutter/releases -type f -newer /run/cutter-e2e-marker")).toBe("");
  expect((await pulumi("preview", "--expect-no-changes")).code).toBe(0);
});
