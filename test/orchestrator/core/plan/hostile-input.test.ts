// Input made to hurt: each of these takes minutes or the stack of a parser that is quadratic somewhere. Linear work is far below the bound.
import { describe, expect, it } from "vitest";
import { toPlannedUnits } from "../../../../orchestrator/core/plan/cutplan.ts";
import { parseDocCode } from "../../../../orchestrator/core/plan/address.ts";
import { markSource } from "../../../../orchestrator/core/plan/mark.ts";

const boundMs = 15_000; // a quadratic step costs hours at these sizes; two busy cores cost seconds
const docCode = parseDocCode("hostile");

function planWithin(text: string): number {
  const startedMs = performance.now();
  const bytes = Buffer.from(text);
  const units = toPlannedUnits(docCode, bytes, markSource(bytes));
  expect(performance.now() - startedMs).toBeLessThan(boundMs);
  return units.length;
}

describe("a plan takes seconds whatever the document", () => {
  it.each([
    ["a million nested quotes", `${"> ".repeat(1e6)}a\n# b\n`, 2],
    ["half a million nested items on one line", `${"- ".repeat(5e5)}a\n\n# b\n`, 2],
    ["50,000 nested items, then half a million blank lines", `${"- ".repeat(5e4)}a\n${"\n".repeat(5e5)}# b`, 2],
    ["10,000 nested items continued by indentation", `${"- ".repeat(1e4)}a\n${`${"  ".repeat(1e4)}b\n`.repeat(200)}`, 1],
    ["quotes and items in turn", `${"> - ".repeat(2e5)}a\n${"> \n".repeat(2e5)}# b`, 2],
    ["half a million lazy lines", "> a\nb\n".repeat(5e5), 1],
    ["5 MB of [", "[".repeat(5e6), 1],
    ["a definition never finished, underlined", `${"[a\n".repeat(1e6)}===\n`, 1],
    ["definitions with open titles, underlined", `${`[a]: b "\n[a]: b '\n`.repeat(2e5)}===\n`, 1],
    ["a tag of a million attributes", `<a${" b='c'".repeat(1e6)}x\n# b`, 2],
    ["one line of 5 MB", "a".repeat(5e6), 1],
    ["a title of 5 MB", `# ${"é](<a".repeat(8e5)}`, 1],
    ["a title with a million spaces inside", `# a${" ".repeat(1e6)}b`, 1],
    ["a letter with a million marks", `# a${"\u0301".repeat(1e6)}`, 1],
    ["front matter of a million lines", `---\n${"a: b\n".repeat(1e6)}---\n`, 1],
    ["100,000 sections of one name", "# same\n".repeat(1e5), 1e5],
  ])(
    "%s",
    (_, text, units) => {
      expect(planWithin(text)).toBe(units);
    },
    60_000,
  );

  it("a document of 100,000 units and 20 MB", () => {
    const section = (index: number) =>
      `${"#".repeat(1 + (index % 4))} Mục ${index}\n\n${"Một đoạn văn với [liên kết](x) và `mã`. ".repeat(4)}\n\n`;
    const text = Array.from({ length: 1e5 }, (_, index) => section(index)).join("");
    expect(Buffer.byteLength(text)).toBeGreaterThan(2e7);
    expect(planWithin(text)).toBe(1e5);
  }, 60_000);
});
