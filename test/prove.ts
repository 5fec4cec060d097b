// `npm run prove [-- WORD…]`: the long tables and the slow rows that `npm test` leaves out, on a booted sandbox; takes down what it put
// up; ends with the counts.
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkout, sandbox, TestSteps } from "./support/test-steps.ts";
import { summarize } from "./support/test-summary.ts";

const results = join(checkout, ".build/prove-results");
const report = join(results, "prove.json");
const words = process.argv.slice(2);
const files = readdirSync(join(checkout, "test/e2e")).filter((name) => name.endsWith(".prove.ts"));
/** A word that is part of a file's name chooses files; any other chooses rows by their names. */
const fileWords = words.filter((word) => files.some((file) => file.includes(word)));
const rowWords = words.filter((word) => !fileWords.includes(word));
const steps = new TestSteps();

const refusal = toRefusal();
if (refusal === null) await main();
else {
  console.error(`[ERR]  ${refusal}`);
  process.exitCode = 2;
}

/** Before anything is booted: an option, or a word that is in no file's name and in no row's. */
function toRefusal(): string | null {
  const option = words.find((word) => word.startsWith("-") || word.trim() === "");
  if (option !== undefined) return `npm run prove [-- WORD…]: a word of a file's or a row's name, no option: ${JSON.stringify(option)}`;
  const folders = ["test/e2e", "test/support/trials", "test/support/trials/refusals"];
  const texts = folders.flatMap((folder) =>
    readdirSync(join(checkout, folder))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(join(checkout, folder, name), "utf8")),
  );
  // A row's name may be composed ("Group: answer lost"), so each part is looked for by itself.
  const isKnown = (word: string): boolean => word.split(/[\s:,]+/).every((part) => texts.some((text) => text.includes(part)));
  const unknown = rowWords.find((word) => !isKnown(word));
  return unknown === undefined ? null : `neither a part of ${files.join(", ")} nor of a row's name: ${unknown}`;
}

async function main(): Promise<void> {
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  const wasUp = (await steps.exitCode(sandbox("status"), { stdio: "ignore" })) === 0;
  try {
    if (await steps.check("sandbox up", sandbox("up"))) await steps.vitest("prove", "prove", report, toFilters());
    else console.log("[ERR]  the rows did not run: there is no sandbox");
  } finally {
    if (wasUp) console.log("[INFO] the sandbox was up before and stays up: npm run sandbox -- down");
    else await steps.check("sandbox down", sandbox("down"), { untouchable: true });
  }
  summarize(steps, { prove: report });
}

function toFilters(): readonly string[] {
  const rows = rowWords.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return [...fileWords, ...(rows === "" ? [] : ["-t", rows])];
}
