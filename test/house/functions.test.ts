// A function fits a screen: at most 70 lines. The linter holds product code to it, this test the rest, and both lists only shrink.
import { describe, expect, test } from "vitest";
import { toFunctionLines } from "./function-lines.ts";
import { readTrackedFiles } from "./tracked-files.ts";

const linesMax = 70;
/** Files of tests that still hold a longer function. A file that needs its entry no more is a finding too. */
const longerInTests = [
  "test/orchestrator/adapters/postgres/write-database.test.ts",
  "test/support/cut-steps.ts",
  "test/support/trials/connection.ts",
  "test/support/worlds/live-world.ts",
  "test/support/worlds/revert-world.ts",
  "test/support/worlds/world.ts",
];

interface LinterConfig {
  readonly rules: Readonly<Record<string, unknown>>;
  readonly overrides: readonly { readonly files: readonly string[]; readonly rules: Readonly<Record<string, unknown>> }[];
}

const files = readTrackedFiles();
const text = files.find(({ path }) => path === ".oxlintrc.json")?.text ?? "";
const config = JSON.parse(text) as LinterConfig;
const rule = "eslint/max-lines-per-function";
const longerInProduct = config.overrides
  .filter((override) => override.rules[rule] === "off")
  .flatMap((override) => override.files)
  .filter((path) => !path.startsWith("test/"));
const withLonger = files
  .filter(({ path }) => /\.(ts|mts|mjs|cjs)$/.test(path))
  .filter((file) => toFunctionLines(file.text).some(({ lines }) => lines > linesMax))
  .map(({ path }) => path);

describe("functions of at most 70 lines", () => {
  test("are the linter's rule, and its exceptions are exactly the files that still need one", () => {
    expect(config.rules[rule]).toEqual(["error", { max: linesMax, skipBlankLines: false, skipComments: false }]);
    expect(longerInProduct.toSorted()).toEqual(withLonger.filter((path) => !path.startsWith("test/")));
  });

  test("are the rule of the tests too, and the exceptions are exactly the files that still need one", () => {
    expect(withLonger.filter((path) => path.startsWith("test/"))).toEqual(longerInTests);
  });

  test("are counted with every line, by their own name, and not by what only holds tests", () => {
    const body = (lines: number): string => "  call();\n".repeat(lines - 2);
    const planted = [
      `export function short(): void {\n${body(70)}}\n`,
      `const long = (): void => {\n${body(71)}};\n`,
      `describe("many tests", () => {\n${body(90)}});\n`,
      `describe.each([1])("many tests", () => {\n${body(90)}});\n`,
      `export function itKeepsTheContract(): void {\n${body(90)}}\n`,
      `test("one long test", () => {\n${body(72)}});\n`,
    ].join("");
    expect(toFunctionLines(planted)).toEqual([
      { name: "short", line: 1, lines: 70 },
      { name: "long", line: 71, lines: 71 },
      { name: "(callback)", line: 412, lines: 72 },
    ]);
  });
});
