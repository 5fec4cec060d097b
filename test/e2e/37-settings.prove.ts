// Every setting that ALTER DATABASE and ALTER ROLE reach, one by one: what the adapters read and write under it is what they read and
// write without it. All at once is in test/orchestrator/adapters/postgres/session-settings.test.ts.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Client } from "pg";
import { connectTo, prepareCluster, type Cluster } from "../support/database/cluster.ts";
import { cutDocument, registerDocument, type CutDocument } from "../support/database/cut-by-sql.ts";
import type { TestPostgres } from "../support/database/postgres.ts";
import { lookEverywhere, readWalk, setAll, type WalkedSetting } from "../support/database/settings-walk.ts";
import { fastFolder } from "../support/fast-folder.ts";

const folder = mkdtempSync(join(fastFolder, "cutter-settings-"));
let cluster: Cluster;
let server: TestPostgres;
let admin: Client;
let cut: CutDocument;
let walk: readonly WalkedSetting[];

beforeAll(async () => {
  chmodSync(folder, 0o755); // the server runs as nobody
  const { passwords, start } = await prepareCluster(folder);
  cluster = await start();
  const { port } = cluster;
  server = {
    host: "127.0.0.1",
    port,
    database: "directus",
    passwords,
    connect: (role, { database = "directus" } = {}) => connectTo({ port, database, user: role, password: passwords[role] }),
    stop: () => cluster.stop(),
  };
  admin = await server.connect("workflow_admin");
  cut = await cutDocument(server);
  walk = await readWalk(admin);
});
afterAll(async () => {
  await admin.end();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("each setting by itself, given to the database and to every role, changes nothing", { timeout: 1_800_000 }, async () => {
  const before = await lookEverywhere(server, cut, await registerDocument(server));
  const different: string[] = [];
  const tried = walk.filter((setting) => setting.class !== "refused" && setting.unusual !== null);
  for (const setting of tried) {
    const fresh = await registerDocument(server);
    await setAll(admin, "database directus", [setting]);
    for (const role of ["context_pack_readonly", "cutter_exec", "cutter_verify", "directus_secdef", "cutter_revert"])
      await setAll(admin, `role ${role}`, [setting]);
    const found = await lookEverywhere(server, cut, fresh).catch(String);
    if (found !== before) different.push(`${setting.name} = ${String(setting.unusual)}: ${found.slice(0, 300)}`);
    await admin.query("alter database directus reset all");
    for (const role of ["context_pack_readonly", "cutter_exec", "cutter_verify", "directus_secdef", "cutter_revert"])
      await admin.query(`alter role ${role} reset all`);
  }
  expect(different).toEqual([]);
  expect(tried.length).toBeGreaterThan(150);
});
