// The contracts of the database ports, on the adapters with a real server and on the fakes that stand in for them in tests of the engine.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe } from "vitest";
import { registerDocument, toCutDocument } from "../../../support/database/cut-by-sql.ts";
import { startFaultProxy } from "../../../support/hosts/fault-proxy.ts";
import { FakeCut } from "../../../support/worlds/fake-cut.ts";
import { FakeDatabase, joinFakes } from "../../../support/worlds/fake-database.ts";
import { openTestDatabase } from "../../../support/database/production-database.ts";
import { startWriteWorld } from "../../../support/worlds/write-world.ts";
import { itKeepsTheReadContract } from "./contract-reads.ts";
import { itKeepsTheWriteContract, type CutSetting } from "./contract-writes.ts";

interface Opened extends CutSetting {
  stop(): Promise<void>;
}

async function openReal(): Promise<Opened> {
  const world = await startWriteWorld();
  const { recorders, database, server, admin } = world;
  return {
    recorders,
    database,
    writeDatabase: world.writer(),
    register: () => registerDocument(server),
    openDatabase: () => openTestDatabase(server),
    losing: async (when, write) => {
      const proxy = await startFaultProxy(server.port);
      const breakLine = (): Promise<void> => Promise.resolve(when === "before" ? proxy.swallowQuestions() : proxy.swallowAnswers());
      await write(world.writer({ login: { port: proxy.port } }), breakLine).finally(() => proxy.stop());
    },
    breakLock: async () =>
      void (await admin.query(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'cutter run-first@%'",
      )),
    stop: () => world.stop(),
  };
}

async function openFake(): Promise<Opened> {
  const cut = new FakeCut();
  const database = new FakeDatabase();
  joinFakes(cut, database);
  return {
    recorders: cut.recorders,
    database,
    writeDatabase: cut.writeDatabase,
    register: async () => {
      const docCode = `doc-${randomUUID().slice(0, 8)}`;
      const rows = { documentId: `knowledge/other/${docCode}.md`, docCode, sourceDocumentId: randomUUID(), sourceVersionId: randomUUID() };
      const document = toCutDocument(rows);
      database.registry.set(rows.documentId, { ...rows, registeredSha256: document.plan.sourceSha256, registeredRevision: 1 });
      return document;
    },
    openDatabase: () => new FakeDatabase(),
    losing: async (when, write) => {
      cut.faults.push(`lost ${when}`);
      await write(cut.writeDatabase, () => Promise.resolve());
    },
    breakLock: async ({ documentId }) => cut.breakLock(documentId),
    stop: () => Promise.resolve(),
  };
}

describe.each([
  ["PostgreSQL", openReal],
  ["the fake", openFake],
] as const)("%s", (_name, open) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await open();
  }, 60_000);
  afterAll(() => opened.stop());
  describe("keeps the contract of the write side and its recorders:", () => {
    itKeepsTheWriteContract(() => opened);
  });
  describe("keeps the contract of the read side:", () => {
    itKeepsTheReadContract(() => opened);
  });
});
