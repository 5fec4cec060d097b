// The registry of codes, the code and the tests agree: each code is used, reached by a test, has one home, and says what to do.
import { describe, expect, test } from "vitest";
import { codes, codesBySubject } from "../../orchestrator/core/codes/index.ts";
import { toNamedCodes } from "./named-codes.ts";
import { readTrackedFiles, type TrackedFile } from "./tracked-files.ts";

const files = readTrackedFiles();
/** What runs: a page that is generated from the registry, or that explains a code, uses none. */
const users = files.filter(
  ({ path }) =>
    /^(orchestrator|provision|deploy|runbooks|sql)\//.test(path) && !path.endsWith(".md") && !path.startsWith("orchestrator/core/codes/"),
);
const tests = files.filter(({ path }) => /^test\/.*\.ts$/.test(path) && !/^test\/(house|support\/worlds)\//.test(path));
const registries = files.filter(({ path }) => path.startsWith("orchestrator/core/codes/"));
const names = Object.keys(codes);

/** Whole lines only: what stands behind code is seldom a code's name, and "//" stands in many a string. */
const comment = /^\s*(?:\/\/|\*|\/\*|--|#).*$/gm;
const toUnused = (wanted: readonly string[], inFiles: readonly Pick<TrackedFile, "text">[]): readonly string[] => {
  const words = new Set(inFiles.flatMap(({ text }) => text.replaceAll(comment, " ").match(/\b[A-Za-z][A-Za-z0-9_]*\b/g) ?? []));
  return wanted.filter((name) => !words.has(name));
};
const toUntested = (wanted: readonly string[], inFiles: readonly Pick<TrackedFile, "text">[]): readonly string[] => {
  const named = new Set(inFiles.flatMap(({ text }) => [...toNamedCodes(text)]));
  return wanted.filter((name) => !named.has(name));
};

describe("the registry of codes", () => {
  test("holds no code that nothing uses", () => {
    expect(toUnused(names, users)).toEqual([]);
  });

  test("holds no code that no test names", () => {
    expect(toUntested(names, tests)).toEqual([]);
  });

  test("has a code found that nothing uses, or that only comments and fakes name", () => {
    const planted = [
      "// CODE_IN_COMMENT\nconst CODE_AS_NAME = 1;\nfake(new CutterError('CODE_OF_FAKE', { a: 'CODE_IN_FACT' }));",
      "expect(code).toBe('CODE_IN_STRING');\nexpect(text).toMatch(/^CODE_IN_REGEX .*x/);\nexpect(text).toBe(`${a} CODE_IN_TEMPLATE`);",
    ].map((text) => ({ text }));
    const wanted = ["COMMENT", "NAME", "FAKE", "FACT", "STRING", "REGEX", "TEMPLATE"].map((word) =>
      word === "NAME" ? "CODE_AS_NAME" : word === "FAKE" ? "CODE_OF_FAKE" : `CODE_IN_${word}`,
    );
    expect(toUntested(wanted, planted)).toEqual(["CODE_IN_COMMENT", "CODE_AS_NAME", "CODE_OF_FAKE"]);
    expect(toUnused([...wanted, "CODE_IN", "CODE_NOWHERE"], planted)).toEqual(["CODE_IN_COMMENT", "CODE_IN", "CODE_NOWHERE"]);
  });

  test("has each code under one subject of the page", () => {
    const listed = Object.values(codesBySubject).flatMap((subject) => Object.keys(subject));
    expect(listed.toSorted()).toEqual(names.toSorted());
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
