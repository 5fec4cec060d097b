// What pulumi up refuses, and that nothing changed: some rows of `npm run refusals`, which has them all, on the booted sandbox.
import { beforeAll, expect, it } from "vitest";
import { ensureReady, onHost } from "../support/e2e.ts";
import { readHostAndState, tryRefusal, withStackConfig, type RefusalTrial } from "../support/trials/refusal.ts";
import { preview, pulumi, up } from "../support/stack.ts";
import { bareHostRefusals, withBareHost } from "../trials/refusals/bare-host.ts";
import { configRefusals } from "../trials/refusals/config.ts";
import { hostRefusals } from "../trials/refusals/host.ts";
import { keyRefusals } from "../trials/refusals/keys.ts";

let ready = "";
beforeAll(async () => {
  await ensureReady();
  ready = await readHostAndState();
});

const rows = (refusals: readonly RefusalTrial[], ...names: readonly string[]) => {
  const chosen = refusals.filter(({ name }) => names.includes(name));
  if (chosen.length !== names.length) throw new Error(`no such row among ${names.join(", ")}`);
  return chosen;
};
/** Nobody asks the host for these; that it stayed as it was is judged once, at the end. */
const unasked = () => Promise.resolve("");

it.each([
  ...rows(configRefusals, "an unknown key", "a run id that is none"),
  ...rows(keyRefusals, "a private key as a public one", "an expired key", "a fingerprint that is not the file's"),
])("$name is refused by $code before the host is asked", async (refusal) =>
  expect(await tryRefusal(refusal, unasked)).toContain(refusal.code),
);

it.each(rows(hostRefusals, "an unfinished live run", "a foreign cutter in the place of ours", "a disk full at the upload of a file"))(
  "$name is refused by $code, and host and state stay as they were",
  async (refusal) => expect(await tryRefusal(refusal)).toContain(refusal.code),
);

it("after all of these, host and state are what they were before", async () => {
  expect(await readHostAndState()).toBe(ready);
});

it("a host on which something of somebody else's stands is refused before anything is made there; what is listed under adopt is taken over, differences shown", async () => {
  await withBareHost(async () => {
    for (const refusal of bareHostRefusals) expect(await tryRefusal(refusal)).toContain(refusal.code);
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
      await pulumi("destroy", "--yes", "--skip-preview");
    }
  });
});
