// pulumi up interrupted at every step, by Ctrl-C and by SIGKILL of engine, provider and both: the next up needs no hand. `npm run
// trial:interrupts` has the first of these tables.
import { beforeAll, describe, expect, it } from "vitest";
import { onHost } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";
import { readTree, up } from "../support/stack.ts";
import { testTrials } from "../support/trials/as-tests.ts";
import { readYardstick, toBarePass, toEndRow, toPass } from "../support/trials/interrupts.ts";

const yardstick = await readYardstick(); // here and not in a hook: a pass has as many rows as a bare host has steps

describe.each([1, 2, 3, 4])("from a bare host, pass %i", (pass) => {
  testTrials(toBarePass(pass, yardstick));
});

describe("a host that is ready and damaged", () => {
  /** A directory, the release's upload and switch, and a socket that is stopped and started. */
  const damage = "rm -r /var/lib/cutter/locks; rm -r /opt/cutter/current/sql; echo >> /etc/systemd/system/cutter-dump.socket";
  const steps = [
    "Directory sandbox/var/lib/cutter/locks",
    "Release sandbox/opt/cutter/releases",
    "Unit sandbox/etc/systemd/system/cutter-dump.socket",
  ];
  let intact = "";

  beforeAll(async () => {
    await ensureReady();
    intact = await readTree();
  });

  // Two of the four passes: together they have Ctrl-C and all three kills, and each step meets two of them.
  it.each([1, 3])(
    "an up that is interrupted at one step after the other leaves nothing behind, and the next needs no hand: pass %i",
    async (pass) => {
      await onHost(damage);
      for (const { run } of [...toPass(pass, steps), toEndRow(pass, () => intact)]) expect(await run()).not.toBe("");
    },
  );

  it("an up waits for a job that a killed one left running on the host, before it looks", async () => {
    const started = "systemd-run --quiet --collect --unit=cutter-job-directory-00000000 sh -c 'sleep 8; rm -r /var/lib/cutter/locks'";
    expect((await onHost(started)).code).toBe(0);
    const { code, output } = await up();
    expect(output).toMatch(/\+ 1 created/);
    expect(code).toBe(0);
    expect(await readTree()).toBe(intact);
  });
});
