// Settings of a database, a role or the server do not reach a session of ours: pinned, refused by name, or harmless for a reason that is
// written down. All of them at once; one by one is in test/e2e/37-settings.prove.ts.
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "pg";
import { openReadConnection } from "../../../../orchestrator/adapters/postgres/connection.ts";
import { requiredSettings } from "../../../../orchestrator/core/database/session-settings.ts";
import { databaseSurveyFiles, toDatabaseSurvey } from "../../../../orchestrator/core/database/survey-session.ts";
import { cutDocument, registerDocument, type CutDocument } from "../../../support/database/cut-by-sql.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { openTestDatabase, toTestSettings } from "../../../support/database/production-database.ts";
import { lookEverywhere, readWalk, setAll, type WalkedSetting } from "../../../support/database/settings-walk.ts";

let server: TestPostgres;
let admin: Client;
let cut: CutDocument;
let walk: readonly WalkedSetting[];
beforeAll(async () => {
  server = await startPostgres();
  admin = await server.connect("workflow_admin"); // connected before anything is set, so nothing reaches it
  cut = await cutDocument(server);
  walk = await readWalk(admin);
}, 60_000);
afterEach(() =>
  admin.query("alter database directus reset all; alter role context_pack_readonly reset all; alter role cutter_exec reset all"),
);
afterAll(() => server.stop());

const ofClass = (wanted: WalkedSetting["class"]): readonly WalkedSetting[] => walk.filter((setting) => setting.class === wanted);

it("every setting that ALTER DATABASE or ALTER ROLE can give is known: pinned, refused or harmless", () => {
  expect(ofClass("unknown").map(({ name }) => name)).toEqual([]);
  expect(walk.length).toBeGreaterThan(150);
  expect(ofClass("pinned").filter(({ unusual }) => unusual === null)).toEqual([]);
});

it(
  "all pinned and all harmless settings at once change nothing that is read, and nothing that is written",
  { timeout: 120_000 },
  async () => {
    const fresh = [await registerDocument(server), await registerDocument(server)] as const;
    const before = await lookEverywhere(server, cut, fresh[0]);
    const atOnce = [...ofClass("pinned"), ...ofClass("harmless")];
    await setAll(admin, "database directus", atOnce);
    for (const role of ["context_pack_readonly", "cutter_exec"]) await setAll(admin, `role ${role}`, ofClass("pinned"));
    expect(await lookEverywhere(server, cut, fresh[1])).toEqual(before);
  },
);

describe("a setting that a login cannot pin", () => {
  const unusual = {
    session_replication_role: "replica",
    zero_damaged_pages: "on",
    ignore_checksum_failure: "on",
    "plpgsql.variable_conflict": "use_column",
  };
  it.each(Object.entries(unusual))("%s = %s is refused by name, whoever has it, and the contract tells", async (setting, value) => {
    expect(ofClass("refused").map(({ name }) => name)).toEqual(Object.keys(unusual).toSorted());
    await admin.query(`alter role cutter_exec set ${setting} = ${value}`);
    const database = openTestDatabase(server);
    const findings = await database.readContractFindings();
    const { cutter_exec: exec } = toTestSettings(server).logins;
    await expect(openReadConnection(exec, { login: "cutter_exec", transactions: 0, assigned: new Map() }, 5_000)).rejects.toMatchObject({
      code: "DATABASE_SETTING_REFUSED",
      facts: {
        login: "cutter_exec",
        setting,
        found: value,
        expected: requiredSettings[setting],
        source: setting === "plpgsql.variable_conflict" ? "unknown" : "user", // the server tells no source before plpgsql is loaded
      },
    });
    await database.close();
    expect(findings).toContainEqual({
      object: `setting ${setting} of role cutter_exec in every database`,
      expected: requiredSettings[setting],
      found: value,
    });
  });
});

it("what a pooler drops from the startup packet is missed: the session is refused", async () => {
  const pooler = await startPooler(server.port, "\0options\0", "\0my.name\0");
  const { port } = pooler.address() as AddressInfo;
  const login = { ...toTestSettings(server).logins.cutter_verify, port };
  await expect(openReadConnection(login, { login: "cutter_verify", transactions: 0, assigned: new Map() }, 5_000)).rejects.toMatchObject({
    code: "DATABASE_SETTING_REFUSED",
    facts: { setting: "search_path", expected: "pg_catalog,pg_temp", source: "default" },
  });
  pooler.close();
});

it("a pooler that leads to another database than the settings name is refused", async () => {
  const pooler = await startPooler(server.port, "\0directus\0", "\0postgres\0");
  const { port } = pooler.address() as AddressInfo;
  const login = { ...toTestSettings(server).logins.cutter_verify, port };
  await expect(openReadConnection(login, { login: "cutter_verify", transactions: 0, assigned: new Map() }, 5_000)).rejects.toMatchObject({
    code: "DATABASE_SETTING_REFUSED",
    facts: { setting: "database", expected: "directus", found: "postgres" },
  });
  pooler.close();
});

/** A server that takes `asked` in the startup packet for `taken`, as long as that, and passes the rest on. */
async function startPooler(port: number, asked: string, taken: string): Promise<Server> {
  const pooler = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    client.once("data", (bytes: Buffer) => {
      upstream.write(Buffer.from(bytes.toString("latin1").replace(asked, taken), "latin1"));
      client.pipe(upstream);
    });
    upstream.pipe(client);
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
  });
  return new Promise((done) => pooler.listen(0, "127.0.0.1", () => done(pooler)));
}

describe("no further connection is taken (53300)", () => {
  it.each([
    ["role", "alter role cutter_verify connection limit 0", "alter role cutter_verify connection limit -1", 0],
    ["database", "alter database directus connection limit 1", "alter database directus connection limit -1", 1],
  ] as const)("because of the %s, and the limit is told as far as it can be read", async (limitOf, change, undo, limit) => {
    const holder = await server.connect("context_pack_readonly");
    await admin.query(change);
    const database = openTestDatabase(server);
    const refused = database.probeForbiddenActions();
    const facts = { limit_of: limitOf, sqlstate: "53300", statement: "connect" };
    await expect(refused).rejects.toMatchObject({
      code: "DATABASE_CONNECTIONS_FULL",
      facts: limitOf === "role" ? { ...facts, login: "cutter_verify", role: "cutter_verify", limit, sessions: 0 } : facts,
    });
    await database.close();
    await holder.end();
    await admin.query(undo);
  });

  it("because of the server", async () => {
    const open: Client[] = [];
    const error = await (async () => {
      for (;;) open.push(await server.connect("cutter_exec"));
    })().catch((refused: unknown) => refused);
    expect(error).toMatchObject({ code: "53300" });
    const database = openTestDatabase(server);
    await expect(database.readServerFacts()).rejects.toMatchObject({ code: "DATABASE_CONNECTIONS_FULL", facts: { limit_of: "server" } });
    await database.close();
    await Promise.all(open.map((client) => client.end()));
  });
});

it("the survey's psql says the same, whatever the database says of names, literals and limits", async () => {
  const sql = (path: string): string => readFileSync(join(import.meta.dirname, "../../../../sql", path), "utf8");
  const survey = toDatabaseSurvey(
    {
      facts: sql(databaseSurveyFiles.facts),
      contract: sql(databaseSurveyFiles.contract),
      catalogue: sql(databaseSurveyFiles.catalogue),
      matrix: sql(databaseSurveyFiles.matrix),
    },
    { governance_principal: "directus_secdef", revert_principal: "cutter_revert" },
  );
  const ask = async (): Promise<string> => {
    const client = await server.connect("workflow_admin");
    // as psql sends it: one statement after the other
    const said: unknown[] = [];
    for (const statement of survey.script.replace(" \\g /dev/null", ";").split(/;\n/)) said.push((await client.query(statement)).rows);
    await client.end();
    return JSON.stringify(said.slice(1));
  };
  const before = await ask();
  await admin.query(
    "alter database directus set quote_all_identifiers = on; alter database directus set standard_conforming_strings = off; " +
      "alter database directus set search_path = pg_temp; alter database directus set transform_null_equals = on; " +
      "alter database directus set row_security = on; alter database directus set lc_messages = 'C'",
  );
  expect(await ask()).toEqual(before);
});
