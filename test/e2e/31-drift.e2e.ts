// Drift on the booted host, by the rows of `npm run trial:drift`: in one go as many as touch resources of their own. `npm run prove` has
// each alone.
import { beforeAll, expect, it } from "vitest";
import { readRecorded } from "../support/kit.ts";
import { readTree, up } from "../support/stack.ts";
import { ensureReady } from "../support/ready-host.ts";
import { damages } from "../support/trials/damages.ts";
import { chooseTogether, tryDamages } from "../support/trials/drift.ts";

beforeAll(ensureReady);

it("a host damaged in many places at once: preview names exactly these, up repairs exactly these, and no word of them leaks", async () => {
  const together = chooseTogether(damages);
  expect(together.length).toBeGreaterThan(15);
  expect(await tryDamages(together)).toMatch(/repaired$/);
});

it("things replaced at their own place stand there afterwards; npm run prove has every resource", async () => {
  const tree = await readTree();
  const urns = new Map((await readRecorded()).map(({ type, urn }) => [type, urn]));
  const replaced = ["File", "Unit", "EnvLine", "Link"].map((type) => `--replace=${urns.get(type) ?? ""}`);
  const { code, output } = await up(...replaced);
  expect([code, output]).toEqual([0, expect.stringMatching(/\+-4 replaced/)]);
  expect(await readTree()).toBe(tree);
});
