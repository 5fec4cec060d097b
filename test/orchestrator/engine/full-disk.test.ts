// A live run on a small file system of its own that breaks before one of its writes: what is told, and that the run goes on to its end once
// there is room. Some writes of each fault; npm run prove walks over all of them.
import { expect, it } from "vitest";
import { expectResumable } from "../../support/disk/expect-resumable.ts";
import { sweepDisk } from "../../support/disk/sweep-row.ts";

const hits = [0, 4, 17, 20, 37, 44, 79, 90, -2, -1]
  .map((k) => `blocks@${String(k)}`)
  .concat("inodes@6", "files@1", "files@100", "readonly@0", "write=EDQUOT@12", "fsync=EIO@70");

it("a live run whose disk fails tells how and where, its exit says what was written, and with room again it is done", () => {
  const rows = sweepDisk("live", hits);
  expect(rows).toHaveLength(hits.length);
  for (const row of rows) expectResumable(row, "live");
  expect(rows.some(({ torn }) => torn)).toBe(true);
});
