// The rows of a trial table as tests, one for each row, so that `npm run prove` runs the same rows as the table's own command.
import { expect, it } from "vitest";
import type { Trial } from "./trials.ts";

/** Each row a test of its own name; a failed row does not stop the others. What was seen stands in the report as an annotation. */
export function testTrials(trials: readonly Trial[]): void {
  it.for(trials)("$name", async ({ run }, { annotate }) => {
    const seen = await run();
    expect(seen).not.toBe("");
    await annotate(seen);
  });
}
