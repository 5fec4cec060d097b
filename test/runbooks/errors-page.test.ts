// The page of codes is in step with the registry it is generated from.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { errorsPagePath, toErrorsPage } from "../../runbooks/errors-page.ts";

it("runbooks/errors.md says what the registry says; npm run errors-page writes it anew", () => {
  expect(readFileSync(errorsPagePath, "utf8")).toBe(toErrorsPage());
});
