// Each write of a run, dry and live: the disk fails before it, in each way a disk can, and the run goes on to its end once it is mended.
import { expect, test } from "vitest";
import { expectResumable } from "../support/disk/expect-resumable.ts";
import { sweepDisk } from "../support/disk/sweep-row.ts";

test.each(["blocks", "inodes", "files"].flatMap((fault) => (["live", "dryrun"] as const).map((mode) => [fault, mode] as const)))(
  "disk: %s taken before each write of a run, %s",
  (fault, mode) => {
    const rows = sweepDisk(mode, [fault]);
    expect(rows.length).toBeGreaterThan(mode === "live" ? 100 : 70);
    for (const row of rows) expectResumable(row, mode);
  },
);

// Counted in system calls: behind the last one a run makes, nothing fails any more.
test.each([
  ["write=EDQUOT", 60],
  ["write=ENOSPC", 60],
  ["fsync=EIO", 180],
  ["rename=EROFS", 45],
])("disk: %s at each call of a live run, %i of them tried", (fault, calls) => {
  const rows = sweepDisk(
    "live",
    Array.from({ length: calls }, (_, k) => `${fault}@${String(k)}`),
  );
  const failed = rows.filter(({ first }) => first.result !== "done");
  expect(failed.length).toBeGreaterThan(30);
  for (const row of failed) expectResumable(row, "live");
});
