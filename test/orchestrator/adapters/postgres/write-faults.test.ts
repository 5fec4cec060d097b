// Lines that break, servers that end sessions, writers that meet: at every moment a step is either there as a whole or not at all, and what
// is not known is said.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRecorders } from "../../../../orchestrator/adapters/postgres/recorders.ts";
import { registerDocument, type CutDocument } from "../../../support/database/cut-by-sql.ts";
import { startFaultProxy, type FaultProxy } from "../../../support/hosts/fault-proxy.ts";
import { toTestSettings } from "../../../support/database/production-database.ts";
import { makePermission } from "../../../support/write-permission.ts";
import { startWriteWorld, type WriteWorld } from "../../../support/worlds/write-world.ts";

let world: WriteWorld;
beforeAll(async () => {
  world = await startWriteWorld();
}, 60_000);
afterAll(() => world.stop());

const stand = async ({ documentId, runId }: CutDocument): Promise<number> => (await world.recorders.readUnits(documentId, runId)).length;

/**
 * A session of somebody else that has made a unit at the document's last address and neither committed nor rolled back: a cut waits for it.
 */
async function takeAddress(document: CutDocument, address = document.addresses.at(-1)) {
  const stranger = await world.server.connect("workflow_admin");
  await stranger.query("begin");
  await stranger.query(
    "insert into public.information_unit (canonical_address, doc_code, unit_kind, ordinal, content_sha256, created_by_run, " +
      "last_run_id) values ($1, 'stranger', 'section', 0, $2, 'stranger', 'stranger')",
    [address, "c".repeat(64)],
  );
  return {
    end: async (how: "commit" | "rollback"): Promise<void> => {
      await stranger.query(how);
      await stranger.end();
    },
  };
}

async function throughProxy(work: (proxy: FaultProxy) => Promise<void>): Promise<void> {
  const proxy = await startFaultProxy(world.server.port);
  try {
    await work(proxy);
  } finally {
    await proxy.stop();
  }
}

const terminateWriter = async (): Promise<void> => {
  const { rows } = await world.admin.query<{ ended: boolean }>(
    "select pg_terminate_backend(pid, 5000) as ended from pg_stat_activity where usename = 'cutter_exec'",
  );
  expect(rows).toEqual([{ ended: true }]);
};

describe("a session that the server ends", () => {
  it("in the middle of the units: unreachable, and nothing is there", async () => {
    const { document, request } = await world.prepareCreate();
    const stranger = await takeAddress(document);
    const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a");
    const end = world
      .writer()
      .createUnits(permission, request)
      .catch((error: unknown) => error);
    await world.untilWaiting("cutter_exec");
    await terminateWriter();
    expect(await end).toMatchObject({ code: "DATABASE_UNREACHABLE" });
    await stranger.end("rollback");
    expect(transactionIds).toEqual([]);
    expect(await stand(document)).toBe(0);
  });

  it("right before COMMIT: nothing was sent, so it is unreachable and not unknown", async () => {
    const { document, request } = await world.prepareCreate();
    const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", terminateWriter);
    await expect(world.writer().createUnits(permission, request)).rejects.toMatchObject({
      code: "DATABASE_UNREACHABLE",
      facts: { sqlstate: "57P01" },
    });
    expect(await stand(document)).toBe(0);
    expect(await world.recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("aborted");
  });

  it("for being idle too long while the journal is written: told as the limit it is", async () => {
    const { document, request } = await world.prepareCreate();
    const gone = async (): Promise<void> => {
      while ((await world.countSessions("cutter_exec")) > 0) continue;
    };
    await expect(
      world.writer({ limits: { idleTimeoutMs: 100 } }).createUnits(makePermission(document.runId, "cut_leg_a", gone).permission, request),
    ).rejects.toMatchObject({ code: "DATABASE_TIMEOUT", facts: { sqlstate: "25P03" } });
    expect(await stand(document)).toBe(0);
  });

  it("for a transaction that takes too long as a whole: by itself from version 17, else because the line is cut", async () => {
    const { document, request } = await world.prepareCreate();
    const stranger = await takeAddress(document);
    await expect(
      world.writer({ limits: { transactionTimeoutMs: 300 } }).createUnits(makePermission(document.runId, "cut_leg_a").permission, request),
    ).rejects.toMatchObject({ code: "DATABASE_TIMEOUT" });
    await stranger.end("rollback");
    expect(await stand(document)).toBe(0);
  });
});

describe("a line that breaks", () => {
  it(
    "with the client's process, in the middle: the server looks for its client and ends the work about a second later, " +
      "although it only waits",
    async () => {
      await throughProxy(async (proxy) => {
        const { document, request } = await world.prepareCreate();
        const stranger = await takeAddress(document);
        const end = world
          .writer({ login: { port: proxy.port } })
          .createUnits(makePermission(document.runId, "cut_leg_a").permission, request)
          .catch((error: unknown) => error);
        await world.untilWaiting("cutter_exec");
        const killed = performance.now();
        proxy.cutAll();
        expect(await end).toMatchObject({ code: "DATABASE_UNREACHABLE" });
        while ((await world.countSessions("cutter_exec")) > 0) continue;
        expect(performance.now() - killed).toBeLessThan(3_000); // the interval is 500 ms; waiting for the stranger would take 20 s
        await stranger.end("rollback");
        expect(await stand(document)).toBe(0);
      });
    },
  );

  it("with COMMIT's answer: unknown, with the transaction's id; the recorder sees that it landed", async () => {
    await throughProxy(async (proxy) => {
      const { document, request } = await world.prepareCreate();
      const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", () => Promise.resolve(proxy.swallowAnswers()));
      const end = await world
        .writer({ login: { port: proxy.port } })
        .createUnits(permission, request)
        .catch((error: unknown) => error);
      expect(end).toMatchObject({
        code: "COMMIT_OUTCOME_UNKNOWN",
        facts: { transaction_id: transactionIds[0], step: "cut_leg_a", run_id: document.runId },
      });
      expect(await stand(document)).toBe(3);
      expect(await world.recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("committed");
    });
  });

  it("with COMMIT itself: unknown as well; the recorder sees that nothing landed", async () => {
    await throughProxy(async (proxy) => {
      const { document, request } = await world.prepareCreate();
      const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", () => Promise.resolve(proxy.swallowQuestions()));
      await expect(world.writer({ login: { port: proxy.port } }).createUnits(permission, request)).rejects.toMatchObject({
        code: "COMMIT_OUTCOME_UNKNOWN",
      });
      expect(await stand(document)).toBe(0);
      expect(await world.recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("aborted");
    });
  });

  it(
    "by saying nothing any more under COMMIT: given up after COMMIT's own limit, as unknown; a recorder waits as long as the " +
      "server holds on",
    async () => {
      await throughProxy(async (proxy) => {
        const { document, request } = await world.prepareCreate();
        const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a", () => Promise.resolve(proxy.stall()));
        await expect(
          world.writer({ login: { port: proxy.port }, limits: { commitTimeoutMs: 300 } }).createUnits(permission, request),
        ).rejects.toMatchObject({ code: "COMMIT_OUTCOME_UNKNOWN" });
        expect(await world.recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("in progress");
        const impatient = openRecorders(toTestSettings(world.server), null, {
          limits: { lockTimeoutMs: 200, statementTimeoutMs: 10_000, idleTimeoutMs: 10_000, deadlineMs: 10_000 },
        });
        await expect(impatient.readUnits(document.documentId, document.runId)).rejects.toMatchObject({
          code: "DATABASE_LOCKED",
          facts: { reason: "document", waited_ms: 200 },
        });
        await impatient.close();
        const reading = stand(document);
        await world.untilWaiting("context_pack_readonly");
        proxy.cutAll();
        expect(await reading).toBe(0);
        expect(await world.recorders.readTransactionStatus(transactionIds[0] ?? "")).toBe("aborted");
      });
    },
  );

  it("by saying nothing any more before COMMIT: given up after the transaction's limit", async () => {
    await throughProxy(async (proxy) => {
      const { document, request } = await world.prepareCreate();
      const stall = (look: number): Promise<void> => Promise.resolve(look === 2 ? proxy.stall() : undefined);
      const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a");
      await expect(
        world
          .writer({ login: { port: proxy.port }, limits: { transactionTimeoutMs: 300 }, beforeDigest: stall })
          .createUnits(permission, request),
      ).rejects.toMatchObject({ code: "DATABASE_TIMEOUT" });
      expect(transactionIds).toEqual([]);
      proxy.cutAll();
      expect(await stand(document)).toBe(0);
    });
  });
});

describe("two at one document", () => {
  it("the second writer waits for the first, and is told that rows moved", async () => {
    const { document, request } = await world.prepareCreate();
    const other = { ...document, runId: `${document.runId}-b` };
    const second = await world.toCreate(other, await world.decide(other));
    let waiting: Promise<unknown> = Promise.resolve();
    const { permission } = makePermission(document.runId, "cut_leg_a", async () => {
      waiting = world
        .writer()
        .createUnits(makePermission(other.runId, "cut_leg_a").permission, second)
        .catch((error: unknown) => error);
      await world.untilWaiting("cutter_exec");
    });
    await world.writer().createUnits(permission, request);
    expect(await waiting).toMatchObject({ code: "ROWS_MOVED", facts: { when: "before the first unit" } });
    expect([await stand(document), await stand(other)]).toEqual([3, 0]);
  });

  it("the second writer's patience ends: the document is busy", async () => {
    const { document, request } = await world.prepareCreate();
    const other = { ...document, runId: `${document.runId}-b` };
    const row = world.toDecision(other);
    const { permission } = makePermission(document.runId, "cut_leg_a", async () => {
      const second = world
        .writer({ limits: { lockTimeoutMs: 150 } })
        .insertReviewDecision(makePermission(other.runId, "SG_1").permission, document.documentId, row);
      await expect(second).rejects.toMatchObject({ code: "DATABASE_LOCKED", facts: { reason: "document" } });
    });
    await world.writer().createUnits(permission, request);
    expect(await world.recorders.readDecisions(document.documentId, document.sourceDocumentId, other.runId)).toEqual([]);
  });

  it("writers of two documents do not wait for each other", async () => {
    const [one, other] = [await world.prepareCreate(), await world.prepareCreate()];
    const { permission } = makePermission(one.document.runId, "cut_leg_a", () =>
      world.writer().createUnits(makePermission(other.document.runId, "cut_leg_a").permission, other.request),
    );
    await world.writer().createUnits(permission, one.request);
    expect([await stand(one.document), await stand(other.document)]).toEqual([3, 3]);
  });

  it("a stranger's address after the last look at the digest: the stranger waits, and is refused by the unique key", async () => {
    const { document, request } = await world.prepareCreate();
    let taking: Promise<unknown> = Promise.resolve();
    const { permission } = makePermission(document.runId, "cut_leg_a", async () => {
      taking = takeAddress(document).catch((error: unknown) => error);
      await world.untilWaiting("workflow_admin");
    });
    await world.writer().createUnits(permission, request);
    expect(await taking).toMatchObject({ code: "23505", constraint: "information_unit_canonical_address_key" });
    expect(await stand(document)).toBe(3);
  });

  it("a stranger's address that is committed while we wait for it: refused, and nothing of ours is there", async () => {
    const { document, request } = await world.prepareCreate();
    const stranger = await takeAddress(document);
    const cut = world
      .writer()
      .createUnits(makePermission(document.runId, "cut_leg_a").permission, request)
      .catch((error: unknown) => error);
    await world.untilWaiting("cutter_exec");
    await stranger.end("commit");
    expect(await cut).toMatchObject({ code: "EFFECT_REFUSED", facts: { reason: "address_taken", address: document.addresses.at(-1) } });
    expect(await stand(document)).toBe(0);
    expect(await world.recorders.readAddresses(document.documentId, document.addresses)).toEqual([
      { address: document.addresses.at(-1), createdByRun: "stranger" },
    ]);
  });

  it("a stranger who neither commits nor rolls back: the wait is bounded", async () => {
    const { document, request } = await world.prepareCreate();
    const stranger = await takeAddress(document);
    await expect(
      world.writer({ limits: { lockTimeoutMs: 200 } }).createUnits(makePermission(document.runId, "cut_leg_a").permission, request),
    ).rejects.toMatchObject({ code: "DATABASE_LOCKED" });
    await stranger.end("rollback");
    expect(await stand(document)).toBe(0);
  });
});

describe("what the readers did", () => {
  it("stands in one evidence, waiting and holding included, and wrote nothing", async () => {
    const document = await registerDocument(world.server);
    const count = (): number => world.evidence.all().find(({ login }) => login === "context_pack_readonly")?.transactions ?? 0;
    const before = count();
    await world.recorders.readUnits(document.documentId, document.runId); // the wait, and the read
    const held = await world.recorders.lockDocument(document.documentId, document.runId);
    await held.assertHeld();
    await held.release();
    await world.database.readDocumentDigest(document.documentId, document.addresses);
    expect(count() - before).toBe(5);
    expect(world.database.connectionEvidence()).toEqual(world.evidence.all());
    expect(world.evidence.all().flatMap(({ transactionIdsAssigned }) => transactionIdsAssigned)).toEqual([]);
  });
});
