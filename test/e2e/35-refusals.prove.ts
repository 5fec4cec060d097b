// What pulumi up refuses, and that nothing changed: every row of `npm run trial:refusals` on the booted sandbox; and what it takes over
// when that is listed.
import { beforeAll, expect, it } from "vitest";
import { withBareHost } from "../support/bare-host.ts";
import { onHost } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";
import { preview, up } from "../support/stack.ts";
import { testTrials } from "../support/trials/as-tests.ts";
import { withStackConfig } from "../support/trials/refusal.ts";
import { refusalTrials } from "../support/trials/refusals/all.ts";

beforeAll(ensureReady);

testTrials(refusalTrials);

it("on a host that the kit never saw, what is listed under adopt is taken over, differences shown", async () => {
  await withBareHost(async () => {
    await onHost(
      "mkdir -p /var/lib/cutter/runs; chmod 0711 /var/lib/cutter /var/lib/cutter/runs; echo somebody > /var/lib/cutter/runs/notes",
    );
    const restore = withStackConfig({ "cutter-kit:adopt": ["/var/lib/cutter", "/var/lib/cutter/runs"] });
    try {
      const told = "host sandbox: /var/lib/cutter stands there and is listed under cutter-kit:adopt: up takes it over, mode 0711 → 0755";
      expect((await preview()).output).toContain(told);
      const { code, output } = await up();
      expect(output).toContain(told);
      expect(code).toBe(0);
      expect((await onHost("stat -c '%a %U' /var/lib/cutter; cat /var/lib/cutter/runs/notes")).stdout).toBe("755 root\nsomebody\n");
      expect((await preview()).steps).toEqual([]);
    } finally {
      restore();
    }
  });
});
