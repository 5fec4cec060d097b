// `npm run trial:interrupts [-- PASS…]`: from a bare host, a pulumi up interrupted at each resource step in turn, by Ctrl-C and by
// SIGKILL of engine, provider and both. Four passes; 1 to 4 chooses.
import { readYardstick, toBarePass } from "../support/trials/interrupts.ts";
import { runTrials } from "../support/trials/trials.ts";

const words = process.argv.slice(2);
const passes = [1, 2, 3, 4].filter((number) => words.length === 0 || words.includes(String(number)));
const yardstick = await readYardstick();
console.log(`[INFO] an undisturbed up: ${yardstick.steps.length} resource steps, ${yardstick.tree.split("\n").length - 1} lines of tree`);
await runTrials(
  "interrupts",
  passes.flatMap((pass) => toBarePass(pass, yardstick)),
  [],
);
