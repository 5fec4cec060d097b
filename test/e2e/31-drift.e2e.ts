// Drift on the booted host, by the rows of `npm run trial:drift`: in one go as many as touch resources of their own. `npm run prove` has
// each alone.
import { beforeAll, expect, it } from "vitest";
import { ensureReady } from "../support/ready-host.ts";
import { damages } from "../support/trials/damages.ts";
import { chooseTogether, tryDamages } from "../support/trials/drift.ts";

beforeAll(ensureReady);

it("a host damaged in many places at once: preview names exactly these, up repairs exactly these, and no word of them leaks", async () => {
  const together = chooseTogether(damages);
  expect(together.length).toBeGreaterThan(15);
  expect(await tryDamages(together)).toMatch(/repaired$/);
});
