// What holds of every run whose disk failed somewhere.
import { expect } from "vitest";
import type { SweepRow } from "./sweep-row.ts";

const effects = ["SG_1", "cut_leg_a", "leg_b_record", "write_verify", "SG_2", "lifecycle_enact"];

const reasons: Readonly<Record<string, string>> = { blocks: "ENOSPC", inodes: "ENOSPC", files: "EMFILE", readonly: "EROFS" };

/** The knowledge base is a folder here, and its files are open files too. */
const places = /\/cutter-world-[^/]+\/(?:locks|runs|batches)(?:\/|$)|\/cutter-disk-kb-/;

export function expectResumable(row: SweepRow, mode: "dryrun" | "live"): void {
  const where = `${row.fault}@${String(row.k)}, before ${row.at}`;
  expect(row.first, where).toMatchObject({
    code: "DISK_FULL",
    facts: {
      reason: reasons[row.fault] ?? row.fault.split("=")[1],
      path: expect.stringMatching(places),
    },
    exit_code: row.committed > 0 ? 20 : 10,
  });
  expect(row.second, where).toMatchObject({ result: "done", exit_code: 0 });
  expect(row.commits, where).toEqual(mode === "live" ? effects : []);
  expect([row.escalated, row.leftovers, row.cuts], where).toEqual([false, [], row.torn ? 1 : 0]);
}
