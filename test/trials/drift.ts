// `npm run trial:drift [-- WORD…]`: every damage of the table, one after the other, on the running sandbox: seen exactly, repaired
// exactly, nothing of it leaked.
import { driftTrials } from "../support/trials/drift.ts";
import { makeReady } from "../support/ready-host.ts";
import { runTrials } from "../support/trials/trials.ts";

await makeReady();
await runTrials("drift", driftTrials, process.argv.slice(2));
