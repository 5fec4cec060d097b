// Every source file and page is written in lines of at most 140 columns; the list of exceptions only shrinks.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { countLongLines, toFindings } from "./long-lines.ts";
import { readTrackedFiles } from "./tracked-files.ts";

const allowed = JSON.parse(readFileSync(join(import.meta.dirname, "long-lines.json"), "utf8")) as Readonly<Record<string, number>>;
const written = readTrackedFiles().filter(
  ({ path }) => (/\.(ts|mts|mjs|cjs|sql|sh|go|md)$/.test(path) || /^runbooks\/[a-z-]+$/.test(path)) && !path.startsWith("test/fixtures/"),
);

test("lines have at most 140 columns, but for those that the list counts, and the list counts no more than there are", () => {
  expect(written.length).toBeGreaterThan(500);
  expect(toFindings(countLongLines(written), allowed)).toEqual([]);
});

test("a line too many, an exception that is not needed, and one that is too large are found; a table's row is none", () => {
  const long = "x".repeat(141);
  const planted = [
    { path: "a.ts", lines: ["x".repeat(140), long, long] },
    { path: "b.md", lines: [`| ${long} |`, "short"] },
    { path: "c.md", lines: [long] },
    { path: "d.ts", lines: [long] },
  ];
  expect(toFindings(countLongLines(planted), { "c.md": 1, "d.ts": 2, "gone.ts": 3 })).toEqual([
    "a.ts: 2 lines of more than 140 columns, allowed are 0",
    "d.ts: say 1 in the list",
    "gone.ts: say 0 in the list",
  ]);
});
