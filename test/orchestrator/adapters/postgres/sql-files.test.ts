// SQL is found from the source tree and from a release, and every file that the adapter names exists.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSql, toSqlFolder } from "../../../../orchestrator/adapters/postgres/sql-files.ts";

const repository = join(import.meta.dirname, "../../../..");
const adapter = join(repository, "orchestrator/adapters/postgres");

test("a bundle reads sql/ beside its bin/, the source tree the repository's sql/", () => {
  expect(toSqlFolder("/opt/cutter/current/bin")).toBe("/opt/cutter/current/sql");
  expect(toSqlFolder(adapter)).toBe(join(repository, "sql"));
});

test("every statement the adapter names is a file with text in it", () => {
  const named = readdirSync(adapter).flatMap((file) =>
    [
      ...readFileSync(join(adapter, file), "utf8").matchAll(
        /"((?:phases|census|contract)\/[a-z_/-]+\.(?:sql|json)|transaction-[a-z-]+\.sql)"/g,
      ),
    ].map(([, path]) => path ?? ""),
  );
  expect(new Set(named).size).toBeGreaterThan(10);
  for (const path of new Set(named)) expect(readSql(path).length, path).toBeGreaterThan(20);
});
