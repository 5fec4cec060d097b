// `npm run interrupts [-- PASS…]`: from a bare host, a pulumi up interrupted at each resource step in turn, by Ctrl-C and by SIGKILL of engine, provider and both. Four passes; 1 to 4 chooses.
import { makeBare, readHostSteps, toEndRow, toPass } from "../support/trials/interrupts.ts";
import { pulumi, readTree, up } from "../support/stack.ts";
import { runTrials, type Trial } from "../support/trials/trials.ts";

let undisturbed = "";
let steps: readonly string[] = [];

const yardstick: Trial = {
  name: "a bare host and an undisturbed up",
  run: async () => {
    await pulumi("stack", "select", "--create", "sandbox");
    await makeBare();
    steps = await readHostSteps();
    const { code, output } = await up();
    if (code !== 0) throw new Error(`ended with ${code}:\n${output}`);
    undisturbed = await readTree();
    return `${steps.length} resource steps, ${undisturbed.split("\n").length - 1} lines of tree`;
  },
};

const exitCodes: number[] = [];
const runTable = async (title: string, table: readonly Trial[]) => {
  await runTrials(title, table, []);
  exitCodes.push(Number(process.exitCode ?? 0));
};

const words = process.argv.slice(2);
await runTable("interrupts: the yardstick", [yardstick]);
for (const pass of [1, 2, 3, 4].filter((number) => words.length === 0 || words.includes(String(number)))) {
  if (undisturbed === "") break;
  const bare: Trial = {
    name: `pass ${pass}, a bare host`,
    run: async () => (await makeBare(), "destroyed, and what a destroy keeps removed"),
  };
  await runTable(`interrupts: pass ${pass}`, [bare, ...toPass(pass, steps), toEndRow(pass, () => undisturbed)]);
}
process.exitCode = Math.max(...exitCodes);
