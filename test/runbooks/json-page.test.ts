// runbooks/json.md promises a schema for every command: none may be missing there, and none may be named that nothing prints.
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(resolve(root, path), "utf8");
const schemasIn = (text: string): readonly string[] => [...text.matchAll(/cutter(?:-kit)?\.[a-z-]+\/\d+/g)].map(([name]) => name);

/** What commands hand to each other, or print into files, and a reader of --json never sees. */
const inner = ["cutter.approval-envelope/1"];
const printed = [
  ...readdirSync(resolve(root, "orchestrator/cli")).map((name) => `orchestrator/cli/${name}`),
  "orchestrator/core/errors.ts",
  "orchestrator/engine/records/outcome.ts",
  "orchestrator/engine/revert/revert.ts",
  "orchestrator/core/survey/survey.ts",
  "orchestrator/adapters/reporter/reporters.ts",
  "provision/toolchain/doctor.ts",
];

it("describes exactly the schemas that are printed", () => {
  const expected = new Set(printed.flatMap((path) => schemasIn(read(path))).filter((name) => !inner.includes(name)));
  expect([...new Set(schemasIn(read("runbooks/json.md")))].toSorted()).toEqual([...expected].toSorted());
});

it.each([
  ["cutter.orchestrate-run/1", "orchestrator/core/run/outcome.ts", "runOutcomeSchema"],
  ["cutter.orchestrate-status/1", "orchestrator/engine/records/read-run.ts", "RunSummary"],
  ["cutter.survey/1", "orchestrator/core/survey/survey.ts", "Survey"],
])("names every field of %s", (schema, path, type) => {
  const declared = new RegExp(`(?:interface ${type} |const ${type} = z\\.strictObject\\()\\{\\n([^]*?)\\n\\}`).exec(read(path))?.[1] ?? "";
  const fields = [...declared.matchAll(/^ {2}(?:readonly )?([a-z_]+):/gm)]
    .map(([, name]) => name ?? "")
    .filter((name) => name !== "schema");
  const row =
    read("runbooks/json.md")
      .split("\n")
      .find((line) => line.includes(schema)) ?? "";
  expect(fields.length).toBeGreaterThan(5);
  expect(fields.filter((name) => !row.includes(`\`${name}\``))).toEqual([]);
});
