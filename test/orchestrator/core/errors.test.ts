// How an error reads: one line in a record; at a terminal several problems are a list.
import { expect, it } from "vitest";
import { CutterError } from "../../../orchestrator/core/errors.ts";

const remedy = "→ mend the named keys in Pulumi.<stack>.yaml; Pulumi.contabo.example.yaml shows each";

it("several problems are a list, one a line, with the remedy once, below; a record keeps the one line", () => {
  const error = new CutterError("STACK_CONFIG_INVALID", { stack: "s", problems: ["a: is missing", "b: \u001b[2Jno\nsuch key"] });
  expect(error.text.split("\n")).toEqual([
    "STACK_CONFIG_INVALID the stack config does not fit its schema stack=s problems=2",
    "  - a: is missing",
    "  - b: \\u001b[2Jno\\u000asuch key",
    expect.stringContaining(remedy),
  ]);
  expect(error.message).not.toContain("\n");
});

it("one problem, or none, is one line", () => {
  for (const error of [new CutterError("STACK_CONFIG_INVALID", { problems: ["a: is missing"] }), new CutterError("INTERNAL_BUG")])
    expect(error.text).toBe(error.message);
});
