// npm run drift [-- WORD…]: every damage of the table, one after the other, on the running sandbox: seen exactly, repaired exactly, nothing of it leaked.
import { driftTrials } from "../support/trials/drift.ts";
import { ensureReady } from "../support/e2e.ts";
import { runTrials } from "../support/trials/trials.ts";

await ensureReady();
await runTrials("drift", driftTrials, process.argv.slice(2));
