// Several hosts in one stack, one of them down: an up finishes the other, a destroy removes the other's, and both name the one.
import { afterAll, beforeAll, expect, it } from "vitest";
import { onHost, until } from "../support/e2e.ts";
import { openTwoHosts, type TwoHosts } from "../support/hosts/two-hosts.ts";
import { ensureReady } from "../support/ready-host.ts";
import { pulumi, readSteps, readTree, up } from "../support/stack.ts";

let both: TwoHosts;
const isOn = async () => (await both.second.run("echo on")) === "on\n";

beforeAll(async () => {
  await ensureReady();
  both = await openTwoHosts();
  expect((await up()).code).toBe(0);
}, 600_000);
afterAll(() => both.close(), 600_000);

it("with one host down the other is finished, the up fails and names the one; when it is back, the next up finishes it", async () => {
  const before = await readTree();
  await both.second.run("rm -r /var/lib/cutter/batches; sync");
  await both.second.powerOff();
  await onHost("rm -r /var/lib/cutter/locks; echo >> /etc/cutter/rollback_runbook.sql");
  await until(async () => ((await isOn()) ? null : true));
  const { code, output } = await up();
  expect(code).not.toBe(0);
  expect(output).toMatch(/error: HOST_UNREACHABLE .*host=second .*deadline_s=15/);
  expect(output).toMatch(/\+ 1 created\s+~ 1 updated/);
  expect(await readTree()).toBe(before);

  await both.second.powerOn();
  expect(await readSteps()).toEqual(["create Directory second/var/lib/cutter/batches"]);
  expect((await up()).code).toBe(0);
  expect(await both.second.run("stat -c '%a %U' /var/lib/cutter/batches")).toBe("700 cutter\n");
});

it("a destroy of the stack with one host down removes the other's and says what is left; a forced removal of the state touches no host", async () => {
  await both.second.powerOff();
  await until(async () => ((await isOn()) ? null : true));
  const destroyed = await pulumi("destroy", "--yes", "--skip-preview");
  expect(destroyed.code).not.toBe(0);
  expect(destroyed.output).toMatch(/HOST_UNREACHABLE .*host=second/);
  await both.second.powerOn();
  expect(await both.second.run("cutter kill-switch status")).toBe("off\n");
  expect((await pulumi("destroy", "--yes", "--skip-preview")).output).toContain("host second kept: /var/lib/cutter (");
  expect((await up()).code).toBe(0);
});
