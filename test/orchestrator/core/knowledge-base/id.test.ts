// What is an id of the knowledge base and what is none.
import { expect, it } from "vitest";
import { isKbId } from "../../../../orchestrator/core/knowledge-base/id.ts";
import { toParentId } from "../../../../orchestrator/core/knowledge-base/document.ts";

it.each([
  "knowledge/dev/a.md",
  "knowledge/current-state/cutter-runs/iu-cut-f20c79c-20260520t031054z.dryrun/01-source-pin.md",
  "a.md",
  "knowledge/a_b/c.md",
  "0.md",
])("%s is an id", (id) => {
  expect(isKbId(id)).toBe(true);
});

it.each([
  ["two underscores", "a__b.md"],
  ["an underscore after a slash, which would meet the end of a folder", "a/_b.md"],
  ["a folder up", "a/../b.md"],
  ["an empty folder", "a//b.md"],
  ["a name that is only an ending", "a/.md"],
  ["a long name", `${"a".repeat(118)}.md`],
  ["a long id", `${"abcdefghi/".repeat(30)}a.md`],
])("%s makes no id", (_what, id) => {
  expect(isKbId(id)).toBe(false);
});

it("a document hangs below its folder, or below root", () => {
  expect([toParentId("knowledge/dev/a.md"), toParentId("a.md")]).toEqual(["knowledge/dev", "root"]);
});
