// What pulumi up refuses, and that nothing changed: some rows of `npm run trial:refusals` on the booted sandbox; `npm run prove` has them
// all. (A foreign file: 20-up. An unfinished live run: 60-arming.)
import { beforeAll, expect, it } from "vitest";
import { withBareHost } from "../support/bare-host.ts";
import { ensureReady } from "../support/ready-host.ts";
import { toPattern } from "../support/refusal-case.ts";
import { tryRefusal, type RefusalTrial } from "../support/trials/refusal.ts";
import { readHostAndState } from "../support/stack.ts";
import { bareHostRefusals } from "../support/trials/refusals/bare-host.ts";
import { configRefusals } from "../support/trials/refusals/config.ts";
import { keyRefusals } from "../support/trials/refusals/keys.ts";

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

it.each([...rows(configRefusals, "an unknown key", "a run id that is none"), ...rows(keyRefusals, "an expired key")])(
  "$name is refused by $code before the host is asked",
  async (refusal) => expect(await tryRefusal(refusal, unasked)).toMatch(toPattern(refusal.code)),
);

it("after all of these, host and state are what they were before", async () => {
  expect(await readHostAndState()).toBe(ready);
});

it("a host on which something of somebody else's stands is refused before anything is made there", async () => {
  const [refusal] = rows(bareHostRefusals, "a foreign /var/lib/cutter that is not adopted");
  expect(await withBareHost(async () => (refusal === undefined ? "" : await tryRefusal(refusal)))).toContain("FOREIGN_FILE");
});
