// SQL is found from the source tree and from a release, every file that the adapter names exists, and no file is there that no code reads.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSql, toSqlFolder } from "../../../../orchestrator/adapters/postgres/sql-files.ts";

const repository = join(import.meta.dirname, "../../../..");
const adapter = join(repository, "orchestrator/adapters/postgres");

test("a bundle reads sql/ beside its bin/, the source tree the repository's sql/", () => {
  expect(toSqlFolder("/opt/cutter/current/bin")).toBe("/opt/cutter/current/sql");
  expect(toSqlFolder(adapter)).toBe(join(repository, "sql"));
});

const tracked = execFileSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "orchestrator", "provision", "deploy", "sql", "test"],
  {
    cwd: repository,
    encoding: "utf8",
  },
)
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(repository, path)));
const readText = (path: string): string => readFileSync(join(repository, path), "utf8");
const statements = tracked.filter((path) => path.startsWith("sql/") && path.endsWith(".sql")).map((path) => path.slice("sql/".length));

test("every statement that the adapter or core names is a file with text in it", () => {
  const sources = tracked.filter((path) => /^orchestrator\/(adapters\/postgres|core\/database)\//.test(path)).map(readText);
  const named = sources.flatMap((text) =>
    [...text.matchAll(/"([a-z_-]+(?:\/[a-z_-]+)*\.sql|contract\/contract\.json)"/g)].map(([, path]) => path ?? ""),
  );
  const ours = new Set(named.filter((path) => path !== "rollback_runbook.sql")); // that one is read from /etc/cutter
  expect(ours.size).toBeGreaterThan(30);
  for (const path of ours) expect(readSql(path).length, path).toBeGreaterThan(20);
});

/** Applied as whole folders: by the sandbox, or by the owner of the database. */
const byFolder = /^(substrate|grants)\//;

test("every file below sql/ is named by code that reads it", () => {
  const sources = tracked
    .filter((path) => /^(orchestrator|provision|deploy|test)\//.test(path) && /\.(ts|mjs|sh)$/.test(path))
    .map(readText);
  const isNamed = (statement: string): boolean => sources.some((text) => text.includes(`${statement}"`));
  expect(statements.length).toBeGreaterThan(40);
  expect(statements.filter((statement) => !byFolder.test(statement) && !isNamed(statement))).toEqual([]);
  expect(isNamed(["recorders", "nobody-reads-this.sql"].join("/"))).toBe(false);
});
