// `npm run trial:connection [-- WORD…]`: breaks the connection to the sandbox host in the middle of every kind of change and refuses it
// in every way; prints what was seen. WORDs choose rows.
import { makeReady } from "../support/ready-host.ts";
import { openConnectionTrial, toConnectionTrials } from "../support/trials/connection-table.ts";
import { runTrials } from "../support/trials/trials.ts";

await makeReady();
const world = await openConnectionTrial();
try {
  await runTrials(
    "the connection to the host",
    toConnectionTrials(() => world),
    process.argv.slice(2),
  );
} finally {
  await world.connection.close();
}
