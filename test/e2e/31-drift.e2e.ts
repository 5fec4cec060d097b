// Drift on the booted host, by the rows of `npm run drift`: as many at once as touch resources of their own. (Something foreign in the way: 3-refusals.)
import { beforeAll, expect, it } from "vitest";
import { damages } from "../support/trials/damages.ts";
import { chooseTogether, tryDamages, tryManifestLost } from "../support/trials/drift.ts";
import { ensureReady } from "../support/e2e.ts";

beforeAll(ensureReady);

it("a host damaged in many places at once: preview names exactly these, up repairs exactly these, and no word of them leaks", async () => {
  const together = chooseTogether(damages);
  expect(together.length).toBeGreaterThan(15);
  expect(await tryDamages(together)).toMatch(/repaired$/);
});

it("without the folder that holds the ownership manifest nothing is taken for foreign: what is gone is made, the rest claimed again", async () => {
  expect(await tryManifestLost("/etc/cutter")).toMatch(/repaired$/);
});

it("a damage that is not the expected one is told as such: these rows can fail", async () => {
  await expect(
    tryDamages([
      { name: "a mode nobody expects", command: "chmod 0700 /etc/cutter/keys", steps: ["update Directory sandbox/etc/cutter"], shown: [] },
    ]),
  ).rejects.toThrow(
    "the steps of the preview: not as it should be\n+ update Directory sandbox/etc/cutter/keys\n- update Directory sandbox/etc/cutter",
  );
});
