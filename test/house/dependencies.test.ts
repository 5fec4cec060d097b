// The README says why each package is there: its table and package.json name the same packages.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkout } from "./tracked-files.ts";

/** The packages that the first column of the table below `## Dependencies` names. */
function toNamedPackages(readme: string): readonly string[] {
  const rows = (readme.split(/^## Dependencies.*$/m)[1] ?? "").split(/^## /m)[0] ?? "";
  const first = [...rows.matchAll(/^\| (.*?) \|/gm)].map(([, cell]) => cell ?? "");
  return first.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ""));
}

/** Nothing when table and package.json agree. */
function toDifferences(readme: string, packages: readonly string[]): readonly string[] {
  const named = toNamedPackages(readme);
  return [
    ...packages.filter((name) => !named.includes(name)).map((name) => `${name} has no reason in the README`),
    ...named.filter((name) => !packages.includes(name)).map((name) => `${name} is in the README and not in package.json`),
    ...named.filter((name, index) => named.indexOf(name) !== index).map((name) => `${name} is in the README twice`),
  ];
}

const read = (path: string): string => readFileSync(join(checkout, path), "utf8");

describe("the README's table of dependencies", () => {
  test("names each package of package.json once, and no other", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<"dependencies" | "devDependencies", object>;
    const packages = [...Object.keys(dependencies), ...Object.keys(devDependencies)];
    expect(packages.length).toBeGreaterThan(20);
    expect(toDifferences(read("README.md"), packages)).toEqual([]);
  });

  test("is seen to lack one, to keep one that is gone, and to name one twice", () => {
    const table =
      "## Dependencies, and why\n\n| package | why |\n|---|---|\n| `pg`, `gone` | `sql` |\n| development: `pg` | again |\n\n## " +
      "Next\n| `zod` | x |\n";
    expect(toDifferences(table, ["pg", "zod"])).toEqual([
      "zod has no reason in the README",
      "gone is in the README and not in package.json",
      "pg is in the README twice",
    ]);
  });
});
