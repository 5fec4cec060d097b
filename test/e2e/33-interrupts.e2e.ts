// pulumi up interrupted once each by Ctrl-C and by SIGKILL of engine, provider and both: the next up needs no hand. `npm run prove` has
// every step.
import { beforeAll, expect, it } from "vitest";
import { onHost } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";
import { readTree } from "../support/stack.ts";
import { toEndRow, toPass } from "../support/trials/interrupts.ts";

/**
 * A directory, a file, the release's upload and switch, and a socket that is stopped and started: as many as there are ways to interrupt.
 */
const damage = [
  "rm -r /var/lib/cutter/locks",
  "echo >> /etc/cutter/rollback_runbook.sql",
  "rm -r /opt/cutter/current/sql",
  "echo >> /etc/systemd/system/cutter-dump.socket",
].join("; ");
const steps = [
  "Directory sandbox/var/lib/cutter/locks",
  "File sandbox/etc/cutter/rollback_runbook.sql",
  "Release sandbox/opt/cutter/releases",
  "Unit sandbox/etc/systemd/system/cutter-dump.socket",
];
let intact = "";

beforeAll(async () => {
  await ensureReady();
  intact = await readTree();
});

it("an up that is interrupted at one step after the other, each time in another way, leaves nothing behind, and the next needs no hand", async () => {
  await onHost(damage);
  const rows = toPass(1, steps);
  const seen = [];
  for (const { run } of rows) seen.push(await run());
  expect(seen.map((text) => text.replace(/,.*/s, "")).toSorted()).toEqual(["Ctrl-C", "both killed", "engine killed", "provider killed"]);
  expect(await toEndRow(1, () => intact).run()).not.toBe("");
});
