// npm run line [-- WORDS]: breaks the line to the sandbox host in the middle of every kind of change and refuses it in every way; prints what was seen. WORDS choose rows.
import { ensureReady } from "../support/e2e.ts";
import { readRecorded } from "../support/kit.ts";
import { openTrialConnection } from "../support/trials/line.ts";
import { toMutationTrials } from "../support/trials/line-mutations.ts";
import { toRefusalTrials } from "../support/trials/line-refusals.ts";
import { readSteps, readTree } from "../support/stack.ts";
import { runTrials } from "../support/trials/trials.ts";

await ensureReady();
const connection = await openTrialConnection();
try {
  const world = { connection, resources: await readRecorded(), tree: await readTree() };
  const clean = {
    name: "preview after all of it",
    run: async () => {
      const steps = await readSteps();
      if (steps.length > 0) throw new Error(steps.join(", "));
      return "clean";
    },
  };
  await runTrials("the line to the host", [...toRefusalTrials(world), ...toMutationTrials(world), clean], process.argv.slice(2));
} finally {
  await connection.close();
}
