// Test files share a PostgreSQL server and do not see each other: not side by side, and not one after the other.
import { expect, it } from "vitest";
import { startPostgres } from "../support/database/postgres.ts";

it("lends two who ask at once a server each, and to the next one a fresh database", async () => {
  const [first, second] = await Promise.all([startPostgres(), startPostgres()]);
  expect(first.port).not.toBe(second.port);
  const admin = await first.connect("workflow_admin");
  await admin.query("create table public.left_behind ()");
  await first.stop();
  const next = await startPostgres(); // the first one's server, unless another file was quicker
  const reader = await next.connect("workflow_admin");
  expect((await reader.query("select to_regclass('public.left_behind') as found")).rows).toEqual([{ found: null }]);
  await Promise.all([second.stop(), next.stop()]);
});

it("gives a fresh database the rights that the prepared one has", async () => {
  const [shared, own] = await Promise.all([startPostgres(), startPostgres({ ownServer: "the substrate as it was applied" })]);
  const read = async (server: typeof own) => {
    const admin = await server.connect("workflow_admin");
    return (await admin.query("select datacl::text, datdba::regrole::text from pg_database where datname = 'directus'")).rows;
  };
  expect(await read(shared)).toEqual(await read(own));
  await Promise.all([shared.stop(), own.stop()]);
});

it("fails the file that changes what holds for a whole server, and lends that server to nobody any more", async () => {
  const server = await startPostgres();
  const admin = await server.connect("workflow_admin");
  await admin.query("create role stranger");
  await expect(server.stop()).rejects.toThrow("it needs its own");
  const next = await startPostgres();
  const reader = await next.connect("workflow_admin");
  expect((await reader.query("select 1 from pg_roles where rolname = 'stranger'")).rows).toEqual([]);
  await next.stop();
});
