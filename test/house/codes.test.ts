// The registry of codes and the code agree: each code is thrown somewhere, has one home, and says what to do.
import { describe, expect, test } from "vitest";
import { codes } from "../../orchestrator/core/codes/index.ts";
import { readTrackedFiles } from "./tracked-files.ts";

const files = readTrackedFiles();
const users = files.filter(
  ({ path }) => /^(orchestrator|provision|deploy|runbooks)\//.test(path) && !path.startsWith("orchestrator/core/codes/"),
);
const registries = files.filter(({ path }) => path.startsWith("orchestrator/core/codes/"));
const names = Object.keys(codes);

describe("the registry of codes", () => {
  test("holds no code that nothing uses", () => {
    expect(names.filter((name) => !users.some(({ text }) => new RegExp(`["'\`]${name}["'\`:]|\\b${name}\\b`).test(text)))).toEqual([]);
  });

  test("holds each code once", () => {
    const homes = registries.flatMap(({ path, text }) =>
      [...text.matchAll(/^ {2}([A-Za-z][A-Za-z0-9_]+): \{/gm)].map(([, name]) => ({ name, path })),
    );
    expect(homes.filter(({ name }, index) => homes.findIndex((other) => other.name === name) !== index)).toEqual([]);
    expect(homes.length).toBe(names.length);
  });

  test.each(Object.entries(codes))("%s says in one line what is wrong and what to do", (_name, { summary, remedy, exit }) => {
    expect(summary).toMatch(/^\S.{8,}[^.\s]$/u);
    expect(remedy.length).toBeGreaterThan(8);
    expect(`${summary}${remedy}`).not.toMatch(/[\n\r]/);
    expect([2, 10, 11, 20, 30, 70, 78]).toContain(exit);
  });

  test("knows every code that is thrown", () => {
    const thrown = users.flatMap(({ path, text }) =>
      [...text.matchAll(/new CutterError\(\s*"([^"]+)"/g)].map(([, name]) => ({ name: name ?? "", path })),
    );
    expect(thrown.length).toBeGreaterThan(20);
    expect(thrown.filter(({ name }) => !(name in codes))).toEqual([]);
  });
});
