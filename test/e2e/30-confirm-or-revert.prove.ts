// Confirm or revert on the booted host, the slow ends: a release that crashes, nobody who confirms before the deadline, a reboot in
// between.
import { afterAll, beforeAll, expect, it } from "vitest";
import { onHost, until } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";
import { onTrialHost, openReleaseTrial, readCurrent, testUnhealthyReleases, type ReleaseTrial } from "../support/release-trial.ts";
import { pulumi } from "../support/stack.ts";

const releaseSwitch = (words: string) => onTrialHost(`sh /opt/cutter/release-switch.sh ${words}`);

/** On the host: the line was really cut, not only said to be. */
const lineCut = "/run/cutter-e2e-line-cut";

let trial: ReleaseTrial;
let other = "";

beforeAll(async () => {
  await ensureReady();
  trial = await openReleaseTrial();
  other = await trial.alter("cutter", ": another one that works");
});
afterAll(() => trial.close());

testUnhealthyReleases(() => trial, [["crashes", "cutter-root", "kill -SEGV $$"]]);

it("the host goes back by itself when the operator's line is cut between switch and confirm, and preview and up say so", async () => {
  const { good, upWith } = trial;
  const cutting = await trial.alter(
    "cutter",
    `case "$*" in *self-verify*) touch ${lineCut}; pkill -KILL -P "$(systemctl show -P MainPID ssh.service)"; exit 0;; esac`,
  );
  const failed = await upWith(cutting);
  expect(failed.code).not.toBe(0);
  expect(failed.output).toMatch(new RegExp(`RELEASE_UNCONFIRMED.*release=${cutting} .*goes_back_within_s=60`));
  expect(await onTrialHost(`ls ${lineCut} && rm ${lineCut}`)).toBe(lineCut);
  await until(async () => ((await readCurrent()) === good ? true : null));
  expect((await pulumi("preview", "--diff")).output).toMatch(new RegExp(`reverted from ${cutting} to ${good} at \\S+: deadline`));
  const next = await upWith("");
  expect(next.output).toMatch(/RELEASE_REVERTED.*why=deadline/);
  expect(next.code).toBe(0);
  expect((await pulumi("preview", "--expect-no-changes")).code).toBe(0);
});

it("a reboot before the confirmation goes back at once, although the deadline is far", async () => {
  const { good, upWith } = trial;
  expect((await upWith(other)).code).toBe(0);
  expect((await upWith(good)).code).toBe(0);
  await releaseSwitch(`switch ${other} 3600`);
  const boot = await onTrialHost("cat /proc/sys/kernel/random/boot_id");
  await onHost("systemctl --no-block reboot");
  await until(async () => {
    const seen = await onTrialHost("cat /proc/sys/kernel/random/boot_id").catch(() => "");
    return seen !== "" && seen !== boot ? seen : null;
  });
  await until(async () => ((await readCurrent()) === good ? true : null));
  expect(await releaseSwitch("standing")).toMatch(new RegExp(`^reverted ${other} ${good} reboot `, "m"));
  await until(async () =>
    (
      await onTrialHost("systemctl is-system-running --wait; systemctl is-active cutter-dump.socket cutter-kb.socket sockets.target")
    ).endsWith("\nactive\nactive\nactive")
      ? true
      : null,
  );
  expect((await upWith("")).output).toMatch(/RELEASE_REVERTED.*why=reboot/);
  expect((await pulumi("preview", "--expect-no-changes")).code).toBe(0);
});
