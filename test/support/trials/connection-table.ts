// The table of trials of the connection to the host: refused in every way, then broken in the middle of every kind of change; in the end
// a preview is clean.
import { readRecorded } from "../kit.ts";
import { readSteps, readTree } from "../stack.ts";
import { openTrialConnection } from "./connection.ts";
import { toLimitTrials } from "./connection-limits.ts";
import { toMutationTrials, type ConnectionTrial } from "./connection-mutations.ts";
import { toRefusalTrials } from "./connection-refusals.ts";
import type { Trial } from "./trials.ts";

/** What the rows need of a ready host; `connection.close()` ends it. */
export async function openConnectionTrial(): Promise<ConnectionTrial> {
  return { connection: await openTrialConnection(), resources: await readRecorded(), tree: await readTree() };
}

/** `world` is asked for when a row runs: the names of the rows do not depend on it. */
export function toConnectionTrials(world: () => ConnectionTrial): readonly Trial[] {
  const clean: Trial = {
    name: "preview after all of it",
    run: async () => {
      const steps = await readSteps();
      if (steps.length > 0) throw new Error(steps.join(", "));
      return "clean";
    },
  };
  return [...toRefusalTrials(world), ...toLimitTrials(world), ...toMutationTrials(world), clean];
}
