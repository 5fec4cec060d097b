// The emergency revert on a real PostgreSQL: what is told when COMMIT or the knowledge base fails, and what the next start does.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import type { RevertPorts } from "../../../../orchestrator/engine/revert/ports.ts";
import { openRevertSetting } from "../../../support/worlds/revert-setting.ts";
import type { RevertWorld } from "../../../support/worlds/revert-world.ts";

const { makeWorld, readRows, readStates, removeWorlds, close } = await openRevertSetting();
afterEach(removeWorlds);
afterAll(close);

describe("what is told when something breaks behind COMMIT", () => {
  const applying = (world: RevertWorld, after: () => Promise<never>): Partial<RevertPorts> => ({
    reverts: {
      ...world.ports.reverts,
      apply: async (permission, request) => {
        await world.ports.reverts.apply(permission, request);
        return after();
      },
    },
  });
  const unknown = () => Promise.reject(new CutterError("REVERT_COMMIT_UNKNOWN", {}));

  test("a COMMIT without an answer that landed is found in the rows", async () => {
    const world = await makeWorld();
    expect(await world.start(world.stage(), applying(world, unknown))).toMatchObject({ result: "reverted", exit_code: 0 });
    expect(world.said).toContain("[WARN] no answer came to COMMIT; the rows say that it landed");
  });

  test("a COMMIT without an answer that did not land stops with nothing written, and the next start does it", async () => {
    const world = await makeWorld();
    const lost = await world.start(world.stage(), {
      reverts: {
        ...world.ports.reverts,
        apply: async (permission) => {
          await permission.beforeCommit("77");
          return unknown();
        },
      },
    });
    expect(lost).toMatchObject({ result: "stopped", code: "DATABASE_COMMIT_REFUSED", exit_code: 10 });
    expect(await world.start(world.stage())).toMatchObject({ result: "reverted", exit_code: 0 });
  });

  test("a COMMIT nobody can ask about exits 30; the next start takes what landed as done, and says so", async () => {
    const world = await makeWorld();
    let reads = 0;
    const lost = await world.start(world.stage(), {
      reverts: {
        ...(applying(world, unknown).reverts ?? world.ports.reverts),
        readState: (...wanted) =>
          ++reads > 1 ? Promise.reject(new CutterError("DATABASE_UNREACHABLE", {})) : world.ports.reverts.readState(...wanted),
      },
    });
    expect(lost).toMatchObject({ code: "REVERT_COMMIT_UNKNOWN", exit_code: 30 });
    expect(await world.start(world.stage())).toMatchObject({ result: "already_reverted", exit_code: 0, units: 3 });
    expect(world.said.filter((line) => line.includes("had committed before the last start ended: taken as done"))).toHaveLength(1);
    expect(world.backups).toHaveLength(1);
  });

  test("while it is unknown, a database that does not answer keeps it unknown", async () => {
    const world = await makeWorld();
    const down = () => Promise.reject(new CutterError("DATABASE_UNREACHABLE", {}));
    let reads = 0;
    await world.start(world.stage(), {
      reverts: {
        ...(applying(world, unknown).reverts ?? world.ports.reverts),
        readState: (...wanted) => (++reads > 1 ? down() : world.ports.reverts.readState(...wanted)),
      },
    });
    expect(await world.start(world.stage(), { reverts: { ...world.ports.reverts, readState: down } })).toMatchObject({
      code: "REVERT_COMMIT_UNKNOWN",
      exit_code: 30,
    });
  });

  test("another login that does not see it exits 30", async () => {
    const world = await makeWorld();
    let reads = 0;
    const blind = await world.start(world.stage(), {
      reverts: {
        ...world.ports.reverts,
        readState: async (...wanted) => ({
          ...(await world.ports.reverts.readState(...wanted)),
          ...(++reads > 1 ? { stillStanding: 1 } : {}),
        }),
      },
    });
    expect(blind).toMatchObject({ result: "stopped", code: "REVERT_NOT_VERIFIED", exit_code: 30 });
  });

  test("a knowledge base that is away: written, exit 20; the next start uploads and repeats nothing", async () => {
    const world = await makeWorld();
    const waiting = await world.start(world.stage(), {
      reverts: {
        ...world.ports.reverts,
        apply: async (permission, request) => {
          world.outage.on = true;
          return world.ports.reverts.apply(permission, request);
        },
      },
    });
    expect(waiting).toMatchObject({ result: "waiting", exit_code: 20, code: "KB_UNAVAILABLE", waits_on: "knowledge_base" });
    const rows = await readRows(world);
    world.outage.on = false;
    const told = await world.start(world.stage({ issued_at: "2026-11-22T09:59:00Z" }, { staged: { spent_before: true } }));
    expect(told).toMatchObject({ result: "already_reverted", exit_code: 0, document: { revision: 1 } });
    expect(await readRows(world)).toEqual(rows);
    expect(await world.readKb()).toBe(world.readRevertFile("revert.md"));
  });

  test("a knowledge base that is away before anything is written: exit 11, and the next start goes on", async () => {
    const world = await makeWorld();
    world.outage.on = true;
    const revert = world.stage();
    expect(await world.start(revert)).toMatchObject({ result: "stopped", exit_code: 11, code: "KB_UNAVAILABLE" });
    expect((await readStates(world)).filter((state) => state === "retired")).toEqual([]);
    world.outage.on = false;
    expect(await world.start(revert)).toMatchObject({ result: "reverted", exit_code: 0 });
  });

  test("a wait with the approval in hand says since when, until when at most, and what was seen", async () => {
    const world = await makeWorld();
    const { knowledgeBase } = world.ports;
    let writes = 0;
    const write: typeof knowledgeBase.write = (document) =>
      ++writes === 1 ? Promise.reject(new CutterError("KB_UNAVAILABLE", { reason: "answers 429" })) : knowledgeBase.write(document);
    const outcome = await world.start(world.stage(), { knowledgeBase: { ...knowledgeBase, write } });
    expect(outcome).toMatchObject({ result: "reverted", exit_code: 0 });
    expect(world.said.filter((line) => line.includes("waiting"))).toEqual([
      expect.stringMatching(
        /nothing is written yet; .* the approval, since 2\S+Z, until 2\S+Z at most; seen: the knowledge base is reached and answers 429 /,
      ),
    ]);
  });

  test("the approval and its signature stand in the knowledge base, verbatim; a second one does not overwrite the first", async () => {
    const world = await makeWorld();
    const failing = world.stage();
    await world.start(failing, { backups: { make: () => Promise.reject(new CutterError("BACKUP_UNPROVEN", {})) } });
    const second = world.stage();
    await world.start(second);
    const folder = `knowledge/current-state/cutter-runs/${world.document.runId}/approvals`;
    const read = async (name: string) => (await world.ports.knowledgeBase.read(`${folder}/${name}`))?.body;
    expect(await read("revert.md")).toBe(Buffer.from(failing.approval).toString());
    expect(await read("revert-asc.md")).toBe(Buffer.from(failing.signature).toString());
    const names = (await world.ports.knowledgeBase.list(folder)).documents.map(({ id }) => id.slice(folder.length + 1));
    const own = names.find((name) => /^revert-[0-9a-f]{8}\.md$/.test(name)) ?? "";
    expect(await read(own)).toBe(Buffer.from(second.approval).toString());
    expect(await read(own.replace(".md", "-asc.md"))).toBe(Buffer.from(second.signature).toString());
  });

  test("no file of a revert is open to others", async () => {
    const world = await makeWorld();
    await world.start(world.stage());
    const folder = join(world.folder, "runs", world.document.runId, "revert");
    for (const name of readdirSync(folder)) expect((await world.ports.files.facts(join(folder, name)))?.mode).toBe(0o600);
  });
});
