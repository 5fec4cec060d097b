// Exactly once, over every mix of the three layers: one table, and one property over random histories.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Layer } from "../../../../orchestrator/core/journal/effect.ts";
import { toReplayAction, toConflict, type JournalLayer, type ReplayAction } from "../../../../orchestrator/core/run/exactly-once.ts";

const ours = "a".repeat(64);
const other = "b".repeat(64);

const journals: Readonly<Record<string, JournalLayer>> = {
  none: { state: "none", sha256: null },
  intended: { state: "intended", sha256: ours },
  "intended other": { state: "intended", sha256: other },
  done: { state: "done", sha256: ours },
  "done other": { state: "done", sha256: other },
};
const layers: Readonly<Record<string, Layer>> = {
  none: { state: "none" },
  ours: { state: "there", sha256: ours },
  other: { state: "there", sha256: other },
  partial: { state: "partial", found: 3, expected: 7 },
};

/** Everything that is no conflict; the rest of the 80 mixes is. */
const table: Readonly<Record<string, ReplayAction>> = {
  "none/none/none": "do",
  "intended/none/none": "do",
  "intended other/none/none": "do", // the approval was signed anew before anything landed
  "intended/ours/ours": "taken_as_done",
  "done/ours/ours": "no_op",
};

const mixes = Object.keys(journals).flatMap((journal) =>
  Object.keys(layers).flatMap((unique) => Object.keys(layers).map((recorder) => [journal, unique, recorder] as const)),
);

describe("the three layers", () => {
  it.each(mixes)("journal %s, unique %s, recorder %s", (journal, unique, recorder) => {
    const judged = toReplayAction({
      journal: pick(journals, journal),
      unique: pick(layers, unique),
      recorder: pick(layers, recorder),
      expectedSha256: ours,
    });
    expect(judged).toBe(table[`${journal}/${unique}/${recorder}`] ?? "conflict");
  });

  it("name all three values, and what was expected, when they conflict", () => {
    const conflict = toConflict("cut_leg_a", {
      journal: pick(journals, "intended"),
      unique: { state: "partial", found: 3, expected: 7 },
      recorder: { state: "none" },
      expectedSha256: ours,
    });
    expect(conflict).toMatchObject({ code: "STOP_REPLAY_CONFLICT", exitCode: 30 });
    for (const value of [
      "step=cut_leg_a",
      `journal="intended(${ours})"`,
      'unique="partial(3 of 7)"',
      "recorder=none",
      `expected_sha256=${ours}`,
    ])
      expect(conflict.message).toContain(value);
  });

  it("never say do where anything landed, and never take for done what is not exactly what was expected", () => {
    const digest = fc.constantFrom(ours, other, "c".repeat(64));
    const layer = fc.oneof(
      fc.constant<Layer>({ state: "none" }),
      digest.map((sha256): Layer => ({ state: "there", sha256 })),
      fc.record({ state: fc.constant("partial" as const), found: fc.nat(9), expected: fc.nat(9) }),
    );
    const journal = fc.oneof(
      fc.constant<JournalLayer>({ state: "none", sha256: null }),
      fc.record({ state: fc.constantFrom("intended" as const, "done" as const), sha256: fc.oneof(digest, fc.constant(null)) }),
    );
    fc.assert(
      fc.property(journal, layer, layer, digest, (said, unique, recorder, expectedSha256) => {
        const judged = toReplayAction({ journal: said, unique, recorder, expectedSha256 });
        const landed = unique.state !== "none" || recorder.state !== "none";
        const exact = [unique, recorder].every((found) => found.state === "there" && found.sha256 === expectedSha256);
        expect(judged === "do").toBe(!landed && said.state !== "done");
        expect(judged === "no_op").toBe(exact && said.state === "done" && said.sha256 === expectedSha256);
        expect(judged === "taken_as_done").toBe(exact && said.state === "intended" && said.sha256 === expectedSha256);
      }),
      { numRuns: 2000 },
    );
  });
});

function pick<T>(from: Readonly<Record<string, T>>, name: string): T {
  const value = from[name];
  if (value === undefined) throw new Error(name);
  return value;
}
