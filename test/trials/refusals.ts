// Every refusal of pulumi up, tried literally on the running sandbox: `npm run refusals [-- WORD…]` prints row | code, facts, remedy | seconds.
import { ensureReady } from "../support/e2e.ts";
import { readHostAndState, tryRefusal, type RefusalTrial } from "../support/trials/refusal.ts";
import { runTrials, type Trial } from "../support/trials/trials.ts";
import { bareHostRefusals, withBareHost } from "./refusals/bare-host.ts";
import { configRefusals } from "./refusals/config.ts";
import { findings } from "./refusals/findings.ts";
import { hostRefusals } from "./refusals/host.ts";
import { keyRefusals } from "./refusals/keys.ts";

/** Refused before the host is asked for anything: host and state are read once before and once after all of them. */
function toGroup(refusals: readonly RefusalTrial[]): readonly Trial[] {
  let before = "";
  const look: Trial = {
    name: "host and state, before the rows that follow",
    run: async () => ((before = await readHostAndState()), `${before.split("\n").length} lines`),
  };
  const compare: Trial = {
    name: "host and state, after the rows above",
    run: async () => {
      if ((await readHostAndState()) !== before) throw new Error("something changed");
      return "unchanged";
    },
  };
  return [look, ...refusals.map((refusal) => ({ name: refusal.name, run: () => tryRefusal(refusal, () => Promise.resolve("")) })), compare];
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130)); // the stack file is put back on exit
await ensureReady();
await runTrials(
  "refusals of pulumi up",
  [
    ...toGroup([...configRefusals, ...keyRefusals]),
    ...hostRefusals.map((refusal) => ({ name: refusal.name, run: () => tryRefusal(refusal) })),
    ...findings,
    {
      name: "a host that the kit never saw: next rows",
      run: () =>
        withBareHost(async () => {
          for (const refusal of bareHostRefusals) console.log(`       ${refusal.name}: ${await tryRefusal(refusal)}`);
          return `${bareHostRefusals.length} rows as promised, the host is back`;
        }),
    },
  ],
  process.argv.slice(2),
);
