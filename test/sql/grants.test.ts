// sql/grants: each file closes exactly the gap it is for, may be repeated, and its rollback leads back; and every file fits the owner's SQL
// gate.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "pg";
import { openProductionDatabase } from "../../orchestrator/adapters/postgres/production-database.ts";
import { startPostgres, type TestPostgres } from "../support/database/postgres.ts";
import { toTestSettings } from "../support/database/production-database.ts";

const sqlFolder = join(import.meta.dirname, "../../sql");
const readSqlFile = (path: string): string => readFileSync(join(sqlFolder, path), "utf8");
const principals = ["context_pack_readonly", "cutter_exec", "cutter_ro", "cutter_verify", "directus_secdef"];

let server: TestPostgres;
let admin: Client;

beforeAll(async () => {
  server = await startPostgres();
  admin = await server.connect("workflow_admin");
  await admin.query(readSqlFile("grants/directus_secdef.rollback.sql")); // the substrate has granted already
}, 60_000);
afterAll(async () => {
  await server.stop();
});

describe.each(["directus_secdef", "cutter_exec"] as const)("the grants for %s", (principal) => {
  test("without them the contract names each missing right; with them none; the rollback leads back", async () => {
    const { logins } = toTestSettings(server);
    const database = openProductionDatabase(
      { logins: { ...logins, governance: principal === "cutter_exec" ? logins.cutter_exec : logins.governance } },
      principal,
    );
    try {
      const before = await database.readGrantMatrix(principals);
      expect((await database.readContractFindings()).map(({ object }) => object)).toEqual([
        `right ${principal} USAGE on schema cutter_governance`,
        ...["review_decision", "cut_change_set", "manifest_envelope", "dot_pair_signature"].flatMap((table) =>
          ["SELECT", "INSERT"].map((privilege) => `right ${principal} ${privilege} on table cutter_governance.${table}`),
        ),
      ]);
      await admin.query(readSqlFile(`grants/${principal}.sql`));
      const granted = await database.readGrantMatrix(principals);
      await admin.query(readSqlFile(`grants/${principal}.sql`));
      expect(await database.readGrantMatrix(principals)).toEqual(granted);
      expect(await database.readContractFindings()).toEqual([]);
      expect((await database.probeForbiddenActions()).filter(({ refused }) => !refused)).toEqual([]);
      await admin.query(readSqlFile(`grants/${principal}.rollback.sql`));
      expect(await database.readGrantMatrix(principals)).toEqual(before);
    } finally {
      await database.close();
    }
  });
});

test("the grants for cutter_revert are exactly what the substrate gives it; the rollback takes all of them back", async () => {
  const database = openProductionDatabase(toTestSettings(server), "directus_secdef");
  try {
    const read = async () => (await database.readGrantMatrix([...principals, "cutter_revert"])).text;
    const linesOf = (text: string) => text.split("\n").filter((line) => line.includes("cutter_revert") && !line.includes("database"));
    const substrate = await read();
    expect(linesOf(substrate)).toHaveLength(17);
    await admin.query(readSqlFile("grants/cutter_revert.rollback.sql"));
    expect(linesOf(await read())).toEqual(["role cutter_revert login"]);
    await admin.query(readSqlFile("grants/cutter_revert.sql"));
    await admin.query(readSqlFile("grants/cutter_revert.sql"));
    expect(await read()).toBe(substrate);
  } finally {
    await database.close();
  }
});

/** Statements without comments, string literals and bodies, in lower case. */
function toBareSql(text: string): string {
  return text
    .replace(/--[^\n]*/g, "")
    .replace(/\$([a-z_]*)\$[\s\S]*?\$\1\$/g, "$$$$")
    .replace(/'(?:[^']|'')*'/g, "''")
    .toLowerCase();
}

const gated = ["grants", "lifecycle"].flatMap((folder) =>
  readdirSync(join(sqlFolder, folder))
    .filter((name) => name.endsWith(".sql"))
    .map((name) => `${folder}/${name}`),
);

describe("the owner's SQL gate would take each file that is meant for it", () => {
  test.each(gated)("%s", (path) => {
    const text = readSqlFile(path);
    expect(toBareSql(text)).not.toMatch(/\b(begin|start\s+transaction|commit|rollback|savepoint|drop|truncate|delete\s+from)\b/);
    expect(text).not.toMatch(/^\s*\\/m);
    expect(text.replace(/--[^\n]*/g, "")).not.toMatch(/\b(drop|truncate|delete\s+from)\b/i); // inside bodies too
  });
});

const every = readdirSync(sqlFolder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".sql"));

describe("every SQL file says who runs it", () => {
  test.each(every)("%s", (path) => {
    const header = /^(?:--[^\n]*\n)+/.exec(readSqlFile(path))?.[0] ?? "";
    expect(header).toMatch(/\bRole: /);
  });
});
