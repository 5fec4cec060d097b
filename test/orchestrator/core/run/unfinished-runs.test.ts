// What may have written, from a journal as it lies on disk.
import { expect, it } from "vitest";
import { chainStart, toLine } from "../../../../orchestrator/core/journal/chain.ts";
import { mayHaveWritten, toUnbegunOutputs } from "../../../../orchestrator/core/run/unfinished-runs.ts";

const at = "2026-11-22T10:00:00.000Z";
const wrote = toLine({ kind: "transaction", step: "SG_1", id: "1" }, { seq: 0, at, prev: chainStart });

it.each([
  ["nothing", "", false],
  ["a record", `${wrote}\n`, true],
  ["an append that was cut off, of which nothing came", wrote, false],
  ["NUL bytes", "\0".repeat(64), true],
  ["records that end in another mark", `${wrote}\r${wrote}\r`, true],
])("a journal that holds %s", (_what, journal, written) => {
  expect(mayHaveWritten(journal)).toBe(written);
});

it("an output of a phase that never began is one whose lines are gone; other files are none", () => {
  expect(toUnbegunOutputs(["01-source-pin.json", "02-mark.json", "notes.txt"], (number) => number === 1)).toEqual(["02-mark.json"]);
});
