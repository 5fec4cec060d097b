// Which stack a runbook takes when none is named.
import { expect, it } from "vitest";
import { toOnlyStack } from "../../runbooks/stack.ts";

it("the only one there is, and nobody's guess where there are two or none", () => {
  expect(toOnlyStack(["contabo"])).toBe("contabo");
  expect(() => toOnlyStack(["contabo", "sandbox"])).toThrow(
    expect.objectContaining({ code: "STACK_NOT_CHOSEN", exitCode: 78, facts: { found: ["contabo", "sandbox"] } }),
  );
  expect(() => toOnlyStack([])).toThrow(expect.objectContaining({ code: "STACK_NOT_CHOSEN", facts: { found: "none" } }));
});
