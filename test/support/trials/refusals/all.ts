// Every refusal of `pulumi up` as rows of one table: those that ask no host first, then those of a ready host, what is only found, and a
// host that the kit never saw.
import { withBareHost } from "../../bare-host.ts";
import { readHostAndState } from "../../stack.ts";
import { tryRefusal, type RefusalTrial } from "../refusal.ts";
import type { Trial } from "../trials.ts";
import { bareHostRefusals } from "./bare-host.ts";
import { configRefusals } from "./config.ts";
import { findings } from "./findings.ts";
import { hostRefusals } from "./host.ts";
import { keyRefusals } from "./keys.ts";

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

export const refusalTrials: readonly Trial[] = [
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
];
