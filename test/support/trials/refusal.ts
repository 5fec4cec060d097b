// One refusal of `pulumi up`, tried: the world is made unfit, up must end with the named code, facts and remedy, and host and state are
// what they were.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, isScalar, parseDocument } from "yaml";
import { checkout, run, type Ended } from "../e2e.ts";
import { readHostAndState, up } from "../stack.ts";

export interface RefusalTrial {
  readonly name: string;
  readonly code: string;
  /** What must stand in the line of the code, word for word: facts and where to look. */
  readonly says: readonly string[];
  /** Makes the world unfit; gives the way back, which is always gone. */
  readonly make: () => Promise<() => Promise<void> | void> | (() => Promise<void> | void);
  /** What is typed instead of `pulumi up`. */
  readonly command?: readonly string[];
}

/** What up said and how long it took. @throws when it was not refused as promised, or left something behind. */
export async function tryRefusal(
  { name, code, says, make, command }: RefusalTrial,
  readWorld: () => Promise<string> = readHostAndState,
): Promise<string> {
  const undo = await make();
  try {
    const before = await readWorld();
    const line = toRefusalLine(name, code, says, await (command === undefined ? up() : run(command)));
    const after = await readWorld();
    if (after !== before) throw new Error(`${name}: something changed:\n${toDifference(before, after)}`);
    return line;
  } finally {
    await undo();
  }
}

/** The line with the code, judged as an operator would: what is wrong, where, what to do; nothing that only a programmer can read. */
function toRefusalLine(name: string, code: string, says: readonly string[], { code: exit, output }: Ended): string {
  const fail = (problem: string) => new Error(`${name}: ${problem}; it said:\n${output}`);
  if (exit === 0) throw fail("not refused");
  const line = output.split("\n").find((text) => new RegExp(`(^|[\\s:(])${code.replace(" ", " .*")} `).test(text));
  if (line === undefined) throw fail(`no ${code}`);
  for (const words of [...says, " → "]) if (!line.includes(words)) throw fail(`the line of ${code} does not say ${words}`);
  if (/^\s+at .*[(:]\d+|\[object |ZodError|node:internal/m.test(output)) throw fail("it shows what only a programmer can read");
  return line.slice(line.indexOf(code.replace(/ .*/, ""))).trim(); // from the code on, whichever case of it
}

function toDifference(before: string, after: string): string {
  const [left, right] = [before.split("\n"), after.split("\n")];
  return [
    ...left.filter((line) => !right.includes(line)).map((line) => `- ${line}`),
    ...right.filter((line) => !left.includes(line)).map((line) => `+ ${line}`),
  ].join("\n");
}

const stackFile = join(checkout, "Pulumi.sandbox.yaml");

/** Sets keys of the stack file, below `a.b` if the name says so, until the way back is gone. `null` removes one. */
export function withStackConfig(changes: Readonly<Record<string, unknown>>): () => void {
  const text = readFileSync(stackFile, "utf8");
  const document = parseDocument(text);
  for (const [key, value] of Object.entries(changes)) {
    const [name = "", ...below] = key.split(".");
    const path = ["config", name, ...below];
    if (value === null) document.deleteIn(path);
    else document.setIn(path, isMap(value) || isScalar(value) ? value : document.createNode(value));
  }
  writeFileSync(stackFile, document.toString({ lineWidth: 0 }));
  const restore = () => {
    process.off("exit", restore);
    writeFileSync(stackFile, text);
  };
  process.on("exit", restore); // a trial that is interrupted puts it back too
  return restore;
}
