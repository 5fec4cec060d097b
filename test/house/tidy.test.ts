// The rules of the house that no compiler holds: first lines, file sizes, what must never be written into the repository.
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { findLines, readTrackedFiles } from "./tracked-files.ts";

const files = readTrackedFiles();
const sources = files.filter(({ path }) => /\.(ts|mts|mjs|cjs|sql|sh|go)$/.test(path) && !path.startsWith("test/fixtures/"));
const scripts = sources.filter(({ path }) => /\.(ts|mts|mjs|cjs)$/.test(path));
const self = "test/house/tidy.test.ts";
const others = files.filter(({ path }) => path !== self);

describe("every source file", () => {
  test("is seen by this check", () => {
    expect(sources.length).toBeGreaterThan(50);
  });

  test("begins with a comment that says what it is and why", () => {
    const comment = { ts: "//", mts: "//", mjs: "//", cjs: "//", go: "//", sql: "--", sh: "#" } as const;
    const without = sources.filter(({ path, lines }) => {
      const first = lines[0]?.startsWith("#!") === true ? lines[1] : lines[0];
      const mark = Object.entries(comment).find(([extension]) => path.endsWith(`.${extension}`))?.[1] ?? "//";
      return !(first ?? "").startsWith(`${mark} `) || (first ?? "").length < 20;
    });
    expect(without.map(({ path }) => path)).toEqual([]);
  });

  test("has at most 400 lines", () => {
    expect(sources.filter(({ lines }) => lines.length > 401).map(({ path, lines }) => `${path}: ${lines.length - 1}`)).toEqual([]);
  });

  test("has no way around the type checker or the linter", () => {
    expect(
      findLines(
        scripts.filter(({ path }) => path !== self),
        /@ts-(ignore|expect-error|nocheck)|(oxlint|eslint)-disable/,
      ),
    ).toEqual([]);
  });
});

test("test/ mirrors the source: a folder of tests stands where the folder it tests stands", () => {
  const shared = /^test\/(e2e|fixtures|house|support|trials)(\/|$)/;
  const folders = [...new Set(files.filter(({ path }) => path.startsWith("test/")).map(({ path }) => posix.dirname(path)))];
  const own = folders.filter((folder) => folder !== "test" && !shared.test(folder));
  const sourceFolders = new Set(files.filter(({ path }) => !path.startsWith("test/")).map(({ path }) => posix.dirname(path)));
  expect(own.length).toBeGreaterThan(20);
  expect(own.filter((folder) => !sourceFolders.has(folder.slice("test/".length)))).toEqual([]);
  expect(files.filter(({ path }) => /^test\/support\/.*\.(test|e2e|prove)\.ts$/.test(path)).map(({ path }) => path)).toEqual([]);
});

test("a permission to write is made in two places, and nowhere else", () => {
  const makers = scripts
    .filter(({ path, text }) => path.startsWith("orchestrator/") && /\bas [^;\n]*\bWritePermission\b/.test(text))
    .map(({ path }) => path);
  expect(makers.sort()).toEqual(["orchestrator/engine/live/permission.ts", "orchestrator/engine/revert/permission.ts"]);
});

describe("no file of the repository", () => {
  test("promises work for later", () => {
    expect(
      findLines(
        others.filter(({ path }) => !path.endsWith(".md")),
        /\b(TODO|FIXME|XXX|HACK)\b/,
      ),
    ).toEqual([]);
  });

  test("names a path of somebody's machine or a package registry", () => {
    expect(findLines(others, /\/work\/(main|shared)|\/home\/[a-z]+\/|\/root\/(\.cache|\.npm|\.pulumi|go)\b|\/tmp\/brief/)).toEqual([]);
    expect(findLines(others, /registry\.npmjs|registry\.yarnpkg|proxy\.golang|sum\.golang|pypi\.org|static\.crates/)).toEqual([]);
  });

  test("holds a private key", () => {
    expect(findLines(others, /^[^"'`/]*-----BEGIN [A-Z ]*PRIVATE KEY/)).toEqual([]);
  });

  test("skips a test or runs only one", () => {
    const tests = others.filter(({ path }) => /\.(test|e2e|prove)\.ts$/.test(path));
    expect(findLines(tests, /\b(test|it|describe)\.(only|skip|todo|fails)\b|\bx(it|describe|test)\(|\b(skip|todo|fails): true/)).toEqual(
      [],
    );
  });
});
