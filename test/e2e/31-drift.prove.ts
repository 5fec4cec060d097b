// Drift on the booted host: every damage of `npm run trial:drift`, one after the other, seen exactly and repaired exactly; and that these
// rows can fail.
import { beforeAll, expect, it } from "vitest";
import { ensureReady } from "../support/ready-host.ts";
import { testTrials } from "../support/trials/as-tests.ts";
import { driftTrials, tryDamages } from "../support/trials/drift.ts";

beforeAll(ensureReady);

testTrials(driftTrials);

it("a damage that is not the expected one is told as such: these rows can fail", async () => {
  await expect(
    tryDamages([
      { name: "a mode nobody expects", command: "chmod 0700 /etc/cutter/keys", steps: ["update Directory sandbox/etc/cutter"], shown: [] },
    ]),
  ).rejects.toThrow(
    "the steps of the preview: not as it should be\n+ update Directory sandbox/etc/cutter/keys\n- update Directory sandbox/etc/cutter",
  );
});
