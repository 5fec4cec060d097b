// Arming on the booted host, by a row too slow for `npm test`: a reboot takes the token away, without any code of ours.
import { afterAll, beforeAll, expect, it } from "vitest";
import { onHost, until } from "../support/e2e.ts";
import { addDocument, clearLiveTraces, enable, must, prepared } from "../support/live-cut.ts";
import { ensureReady } from "../support/ready-host.ts";

beforeAll(ensureReady);
afterAll(clearLiveTraces);

const status = async (): Promise<object> => JSON.parse((await onHost("cutter kill-switch status --json")).stdout) as object;
const off = { schema: "cutter.kill-switch/1", state: "off", run_id: null, until: null, since: null, why: null };
const tokens = async (): Promise<string> => (await onHost("ls -A /run/cutter/armed /run/cutter/live")).stdout;
const noTokens = "/run/cutter/armed:\n\n/run/cutter/live:\n";

it("execution is off again after a reboot of the host, without any code of ours", async () => {
  await addDocument("rebooted");
  const { runId, ruling } = await prepared("rebooted");
  must(await enable(runId, ruling));
  expect(await status()).toMatchObject({ state: "armed", run_id: runId });
  const boot = async () =>
    (await onHost("cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic --value")).stdout;
  const before = await boot();
  await onHost("systemctl --no-block reboot");
  await until(async () => {
    const now = await boot();
    return now !== "" && now !== before && (await onHost("cutter kill-switch status")).code === 0 ? true : null;
  });
  expect([await status(), await tokens()]).toEqual([off, noTokens]);
});
