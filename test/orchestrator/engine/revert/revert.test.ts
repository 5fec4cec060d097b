// The emergency revert on a real PostgreSQL: cut, revert, compare; twice; and a run that was interrupted.
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { createUnits, cutDocument, decide } from "../../../support/database/cut-by-sql.ts";
import { kindsOf, openRevertSetting } from "../../../support/worlds/revert-setting.ts";

const { server, admin, makeWorld, readRows, readStates, removeWorlds, close } = await openRevertSetting();
afterEach(removeWorlds);
afterAll(close);

describe("a run that is reverted", () => {
  test(
    "has its units retired by cutter_revert, everything else byte for byte as before the cut, a proven backup, and a " +
      "document with a receipt",
    async () => {
      const world = await makeWorld();
      const revert = world.stage();
      const outcome = await world.start(revert);
      expect(outcome).toMatchObject({ result: "reverted", exit_code: 0, code: null, units: 3, payload_sha: world.document.payloadSha });
      expect(await readStates(world)).toEqual(["retired", "retired", "retired"]);
      expect(
        (
          await admin.query(
            "select distinct actor, review_decision_id::text as decision from public.iu_lifecycle_log where idempotency_key like $1",
            [`${world.document.runId}:revert:%`],
          )
        ).rows,
      ).toEqual([{ actor: "cutter_revert", decision: outcome.approval?.review_decision_id }]);
      expect(outcome.differences.map(({ rest }) => rest)).toEqual(outcome.differences.map(() => "equal"));
      expect(
        Object.fromEntries(outcome.differences.filter(({ rowsOfRun }) => rowsOfRun > 0).map(({ table, rowsOfRun }) => [table, rowsOfRun])),
      ).toEqual({
        "public.information_unit": 3,
        "public.unit_version": 3,
        "public.iu_lifecycle_log": 6,
        "cutter_governance.review_decision": 2,
        "cutter_governance.cut_change_set": 1,
        "cutter_governance.manifest_envelope": 1,
        "cutter_governance.dot_pair_signature": 1,
        "cutter_governance.verify_result": 1,
      });
      expect(outcome.differences.filter(({ rowsOfRun, kept }) => rowsOfRun > 0 && kept === null)).toEqual([]);
      expect(kindsOf(world)).toEqual([
        "revert_started",
        "attempt_started",
        "approval_uploaded",
        "rows_compared",
        "backup_made",
        "transaction",
        "reverted",
        "verified",
        "receipt",
        "attempt_ended",
      ]);
      expect(await world.readKb()).toBe(world.readRevertFile("revert.md"));
      expect(world.readRevertFile("revert.md")).toContain(
        "public.information_unit: 3 rows of this run stay (retired, identity and address kept); the other",
      );
      expect(
        world
          .readRevertFile("EVIDENCE.sha256")
          .split("\n")
          .map((line) => line.slice(66))
          .filter((name) => name !== ""),
      ).toEqual([
        expect.stringMatching(/^approval-[0-9a-f]{12}\.md$/),
        expect.stringMatching(/^approval-[0-9a-f]{12}\.md\.asc$/),
        "audit-bundle.tar",
        "backup-1.pgdump.gpg",
        "journal.jsonl",
        "outcome.json",
        "revert.md",
        expect.stringMatching(/^rollback_runbook-[0-9a-f]{12}\.sql$/),
      ]);
    },
  );

  test("says so the second time and changes nothing, even by an approval that is spent", async () => {
    const world = await makeWorld();
    await world.start(world.stage());
    const rows = await readRows(world);
    const again = await world.start(world.stage({}, { staged: { spent_before: true } }));
    expect(again).toMatchObject({ result: "already_reverted", exit_code: 0, units: 3 });
    expect(await readRows(world)).toEqual(rows);
    expect(world.backups).toHaveLength(1);
    expect(again.document?.revision).toBe(1);
  });

  test("may have stopped before its lifecycle: created units are retired as well", async () => {
    const world = await makeWorld({ cut: false });
    await createUnits(server, world.document, await decide(server, world.document, "cut_leg_a"));
    expect(await world.start(world.stage())).toMatchObject({ result: "reverted", units: 3 });
    expect(await readStates(world)).toEqual(["retired", "retired", "retired"]);
  });

  test("tells which table others changed since the cut, and is reverted all the same", async () => {
    const world = await makeWorld();
    await cutDocument(server);
    const outcome = await world.start(world.stage());
    expect(outcome.exit_code).toBe(0);
    expect(outcome.differences.filter(({ rest }) => rest === "changed").map(({ table }) => table)).toContain("public.information_unit");
    expect(outcome.differences.find(({ table }) => table === "sandbox_tac.unit_version")).toMatchObject({ rest: "equal", rowsOfRun: 0 });
  });
});
