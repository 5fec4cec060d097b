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

// Counted in system calls: more than a run makes would not fail at all.
test.each([
  ["write=EDQUOT", 50],
  ["write=ENOSPC", 50],
  ["fsync=EIO", 150],
  ["rename=EROFS", 50],
])("disk: %s at each of the first %i calls of a live run", (fault, calls) => {
  const rows = sweepDisk(
    "live",
    Array.from({ length: calls }, (_, k) => `${fault}@${String(k)}`),
  );
  for (const row of rows) expectResumable(row, "live");
});
