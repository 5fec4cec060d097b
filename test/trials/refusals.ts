// Every refusal of pulumi up, tried literally on the running sandbox: `npm run trial:refusals [-- WORD…]` prints row | code, facts,
// remedy | seconds.
import { makeReady } from "../support/ready-host.ts";
import { refusalTrials } from "../support/trials/refusals/all.ts";
import { runTrials } from "../support/trials/trials.ts";

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130)); // the stack file is put back on exit
await makeReady();
await runTrials("refusals of pulumi up", refusalTrials, process.argv.slice(2));
