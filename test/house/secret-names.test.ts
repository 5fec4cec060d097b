// The survey's shell script cannot import the list of names: this holds the two together.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { envNames } from "../../orchestrator/core/host/secret-names.ts";

it("host-facts.sh asks for exactly the names of secret-names.ts", () => {
  const script = readFileSync(new URL("../../orchestrator/root-helper/survey/host-facts.sh", import.meta.url), "utf8");
  const list = /for name in ((?:[A-Z_]+[ \\\n]+)+?[A-Z_]+); do/.exec(script)?.[1] ?? "";
  expect(list.split(/[\s\\]+/).toSorted()).toEqual(envNames.map(({ name }) => name).toSorted());
});
