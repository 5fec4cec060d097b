// Every refusal of the emergency revert, on a real PostgreSQL: by its own code and exit, and every row is as before.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import type { RevertOutcome } from "../../../../orchestrator/engine/revert/outcome.ts";
import { decide } from "../../../support/database/cut-by-sql.ts";
import { codeOf, openRevertSetting } from "../../../support/worlds/revert-setting.ts";
import type { RevertWorld } from "../../../support/worlds/revert-world.ts";

const { server, admin, stranger, makeWorld, readRows, readStates, removeWorlds, close } = await openRevertSetting();
afterEach(removeWorlds);
afterAll(close);

type Refusal = readonly [what: string, code: string, exit: number, start: (world: RevertWorld) => Promise<RevertOutcome>];
const move = (world: RevertWorld, text: string) => admin.query(text, [world.document.addresses[1]]);

const refusals: readonly Refusal[] = [
  ["an approval of another gate", "APPROVAL_FOR_ANOTHER field=gate", 10, (world) => world.start(world.stage({ gate: "SG_1" }))],
  ["an approval for another run", "APPROVAL_FOR_ANOTHER field=run_id", 10, (world) => world.start(world.stage({ run_id: "another-run" }))],
  [
    "an approval for another document",
    "APPROVAL_FOR_ANOTHER field=document_id",
    10,
    (world) => world.start(world.stage({ document_id: "knowledge/other/x.md" })),
  ],
  [
    "an approval for another plan",
    "APPROVAL_OUTDATED field=payload_sha",
    10,
    (world) => world.start(world.stage({ payload_sha: "f".repeat(64) })),
  ],
  ["an approval for another host", "APPROVAL_FOR_ANOTHER field=host", 10, (world) => world.start(world.stage({ host: "f".repeat(64) }))],
  [
    "an approval for another release",
    "APPROVAL_OUTDATED field=release_sha256",
    10,
    (world) => world.start(world.stage({ release_sha256: "f".repeat(64) })),
  ],
  [
    "an approval that is 12 hours and a second old",
    "APPROVAL_TOO_OLD",
    10,
    (world) => world.start(world.stage({ issued_at: "2026-11-21T21:59:59Z" })),
  ],
  ["a signature by another key", "APPROVAL_SIGNER_NOT_PINNED", 10, (world) => world.start(world.stage({}, { signedBy: stranger }))],
  [
    "an approval changed after it was signed",
    "REVERT_NOT_STAGED reason=damaged",
    10,
    (world) => world.start({ ...world.stage(), approval: Buffer.from("x") }),
  ],
  [
    "an approval that is spent",
    "APPROVAL_SPENT reason=revert",
    10,
    (world) => world.start(world.stage({}, { staged: { spent_before: true } })),
  ],
  [
    "a UUID that stands for the cut already",
    "APPROVAL_SPENT reason=revert",
    10,
    async (world) => {
      const {
        rows: [row],
      } = await admin.query<{ id: string }>("select id::text from cutter_governance.review_decision where run_id = $1 limit 1", [
        world.document.runId,
      ]);
      return world.start(world.stage({ review_decision_id: row?.id }));
    },
  ],
  [
    "what is staged for another runbook",
    "REVERT_RUNBOOK_CHANGED",
    10,
    (world) => world.start({ ...world.stage(), runbook: "select 1;\n" }),
  ],
  ["a run this host does not know", "REVERT_RUN_UNKNOWN", 10, (world) => world.start(world.stage({}, { runId: "no-such-run" }))],
  [
    "a run whose plan was changed",
    "APPROVAL_OUTDATED field=payload_sha",
    10,
    (world) => {
      writeFileSync(join(world.folder, "runs", world.document.runId, "plan.json"), world.document.planText.replace("One", "Two"));
      return world.start(world.stage());
    },
  ],
  [
    "a run whose plan is gone",
    "REVERT_PLAN_UNREADABLE",
    30,
    (world) => {
      rmSync(join(world.folder, "runs", world.document.runId, "plan.json"));
      return world.start(world.stage());
    },
  ],
  [
    "a run that is armed",
    "REVERT_RUN_ACTIVE",
    10,
    (world) => {
      mkdirSync(join(world.folder, "armed", world.document.runId));
      return world.start(world.stage());
    },
  ],
  [
    "a run that is live",
    "REVERT_RUN_ACTIVE",
    10,
    (world) => {
      mkdirSync(join(world.folder, "live", world.document.runId));
      return world.start(world.stage());
    },
  ],
  [
    "a run that is still at work",
    "DOCUMENT_LOCKED",
    10,
    async (world) => {
      const held = await world.ports.locks.acquire(world.document.runId, world.document.documentId);
      return world.start(world.stage()).finally(() => held.release());
    },
  ],
  [
    "rows that are not the plan's",
    "REVERT_ROWS_CHANGED",
    30,
    async (world) => {
      await move(world, "update public.information_unit set ordinal = 7 where canonical_address = $1");
      return world.start(world.stage());
    },
  ],
  [
    "a body edited in place",
    "REVERT_ROWS_CHANGED",
    30,
    async (world) => {
      await move(
        world,
        "update public.unit_version v set body = 'x' from public.information_unit u where v.unit_id = u.id and u.canonical_address = $1",
      );
      return world.start(world.stage());
    },
  ],
  [
    "a state set by hand",
    "REVERT_UNIT_MOVED_SINCE",
    30,
    async (world) => {
      await move(world, "update public.information_unit set lifecycle_state = 'superseded' where canonical_address = $1");
      return world.start(world.stage());
    },
  ],
  [
    "a unit enacted by others",
    "REVERT_UNIT_ENACTED_BY_OTHERS",
    30,
    async (world) => {
      await move(
        world,
        "insert into public.iu_lifecycle_log (unit_id, from_state, to_state, run_id, idempotency_key) select id, 'enacted', " +
          "'enacted', 'R9', gen_random_uuid()::text from public.information_unit where canonical_address = $1",
      );
      return world.start(world.stage());
    },
  ],
  [
    "a child of another run",
    "REVERT_UNIT_HAS_FOREIGN_CHILD",
    30,
    async (world) => {
      await move(
        world,
        "insert into public.information_unit (canonical_address, doc_code, parent, unit_kind, ordinal, content_sha256, " +
          "created_by_run, last_run_id) select $1 || '/c', doc_code, id, 'section', 9, content_sha256, 'R9', 'R9' from " +
          "public.information_unit where canonical_address = $1",
      );
      return world.start(world.stage());
    },
  ],
  [
    "a version of a unit that was there before",
    "REVERT_UNIT_WAS_THERE_BEFORE",
    30,
    async (world) => {
      await move(
        world,
        "update public.unit_version v set version_no = 2 from public.information_unit u where v.unit_id = u.id and " +
          "u.canonical_address = $1",
      );
      return world.start(world.stage());
    },
  ],
  [
    "rows that moved between the backup and the transaction",
    "REVERT_ROWS_CHANGED",
    30,
    (world) =>
      world.start(world.stage(), {
        backups: {
          make: async (permission, request) => {
            const made = await world.ports.backups.make(permission, request);
            await move(
              world,
              "insert into public.information_unit (canonical_address, doc_code, unit_kind, ordinal, content_sha256, " +
                "created_by_run, last_run_id) select $1 || '/new', doc_code, 'section', 9, content_sha256, 'R9', 'R9' from " +
                "public.information_unit where canonical_address = $1",
            );
            return made;
          },
        },
      }),
  ],
  [
    "a backup that cannot be proven",
    "BACKUP_UNPROVEN",
    10,
    (world) => world.start(world.stage(), { backups: { make: () => Promise.reject(new CutterError("BACKUP_UNPROVEN", {})) } }),
  ],
  [
    "an approval that grows too old while the backup is made",
    "APPROVAL_TOO_OLD",
    10,
    (world) =>
      world.start(world.stage({ issued_at: "2026-11-21T22:30:00Z" }), {
        backups: {
          make: async (permission, request) => {
            world.clock.advance(3_600_000);
            return world.ports.backups.make(permission, request);
          },
        },
      }),
  ],
  [
    "a staging that was taken away meanwhile",
    "REVERT_NOT_STAGED",
    10,
    (world) =>
      world.start(world.stage(), {
        backups: {
          make: async (permission, request) => {
            rmSync(join(world.folder, "staging"), { recursive: true });
            return world.ports.backups.make(permission, request);
          },
        },
      }),
  ],
  ["a stop that was asked for", "RUN_INTERRUPTED", 10, (world) => world.start({ ...world.stage(), signal: AbortSignal.abort() })],
  [
    "a runbook that retires nothing",
    "REVERT_NOT_PROVEN",
    10,
    (world) => {
      const runbook = "-- none\nselect 0 as units_of_run, 0 as still_standing, 0 as reverts_logged;\n";
      return world.start({ ...world.stage({}, { staged: { runbook_sha256: sha256Hex(runbook) } }), runbook });
    },
  ],
];

describe("a revert refuses, and leaves every row as it was", () => {
  test.each(refusals)("%s: %s, exit %d", async (_what, code, exit, start) => {
    const world = await makeWorld();
    let before: readonly string[] = [];
    const damaged = start({
      ...world,
      start: async (revert, change) => {
        before = await readRows(world);
        return world.start(revert, change);
      },
    });
    expect(await codeOf(damaged, code)).toEqual({ code, exit });
    expect(await readRows(world)).toEqual(before);
    expect((await readStates(world)).filter((state) => state === "retired")).toEqual([]);
  });

  test("a run that decided and created nothing", async () => {
    const world = await makeWorld({ cut: false });
    await decide(server, world.document, "cut_leg_a");
    expect(await codeOf(world.start(world.stage()))).toEqual({ code: "REVERT_NOTHING_CREATED", exit: 10 });
  });

  test("a run this database does not know, though its folder is here", async () => {
    const world = await makeWorld({ cut: false });
    expect(await codeOf(world.start(world.stage()))).toEqual({ code: "REVERT_RUN_UNKNOWN", exit: 10 });
  });
});
