// The emergency revert on a real PostgreSQL: cut, revert, compare; twice; every refusal; and what is told when COMMIT or the knowledge base fails.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "pg";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { readLines } from "../../../../orchestrator/core/journal/chain.ts";
import { parseRevertRecord } from "../../../../orchestrator/core/revert/journal.ts";
import type { RevertOutcome } from "../../../../orchestrator/engine/revert/outcome.ts";
import type { RevertPorts } from "../../../../orchestrator/engine/revert/ports.ts";
import { createUnits, cutDocument, decide } from "../../../support/database/cut-by-sql.ts";
import { createGpgHome, type GpgHome } from "../../../support/gpg.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { makeRevertWorld, type RevertWorld } from "../../../support/worlds/revert-world.ts";

let server: TestPostgres;
let admin: Client;
let home: GpgHome;
let sovereign: string;
let stranger: string;
const worlds: RevertWorld[] = [];

beforeAll(async () => {
  server = await startPostgres();
  admin = await server.connect("workflow_admin");
  home = createGpgHome();
  sovereign = home.createKey("the sovereign", { at: "20260101T000000" });
  stranger = home.createKey("a stranger", { at: "20260101T000000" });
}, 60_000);
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.remove();
});
afterAll(async () => {
  home.remove();
  await server.stop();
});

async function makeWorld(options?: { readonly cut: boolean }): Promise<RevertWorld> {
  const world = await makeRevertWorld(server, { home, sovereign }, options);
  worlds.push(world);
  return world;
}

/** Every row of the document and of its run, in whatever table, as text. */
async function readRows({ document }: RevertWorld): Promise<readonly string[]> {
  const tables = [
    "public.information_unit",
    "public.unit_version",
    "public.iu_lifecycle_log",
    "cutter_governance.review_decision",
    "cutter_governance.cut_change_set",
    "cutter_governance.manifest_envelope",
    "cutter_governance.dot_pair_signature",
    "cutter_governance.verify_result",
  ];
  const rows: string[] = [];
  for (const table of tables) {
    const column = table === "public.information_unit" ? "created_by_run" : "run_id";
    rows.push(
      ...(
        await admin.query<{ row: string }>(`select to_jsonb(t)::text as row from ${table} t where ${column} = $1 order by 1`, [
          document.runId,
        ])
      ).rows.map(({ row }) => `${table} ${row}`),
    );
  }
  return rows;
}

const readStates = async ({ document }: RevertWorld) =>
  (
    await admin.query<{ state: string }>(
      "select lifecycle_state as state from public.information_unit where created_by_run = $1 order by ordinal",
      [document.runId],
    )
  ).rows.map(({ state }) => state);
const kindsOf = (world: RevertWorld) =>
  readLines(Buffer.from(world.readRevertFile("journal.jsonl")), "journal", parseRevertRecord).records.map(({ entry }) => entry.kind);
const codeOf = async (work: Promise<RevertOutcome>): Promise<{ readonly code: string | null; readonly exit: number }> =>
  work.then(
    ({ code, exit_code }) => ({ code, exit: exit_code }),
    (error: unknown) => {
      if (error instanceof CutterError) return { code: error.code, exit: error.exitCode };
      throw error;
    },
  );

describe("a run that is reverted", () => {
  test("has its units retired by cutter_revert, everything else byte for byte as before the cut, a proven backup, and a document with a receipt", async () => {
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
    ).toEqual(["backup-1.pgdump.gpg", "journal.jsonl", "outcome.json", "revert.md"]);
  });

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

type Refusal = readonly [what: string, code: string, exit: number, start: (world: RevertWorld) => Promise<RevertOutcome>];
const move = (world: RevertWorld, text: string) => admin.query(text, [world.document.addresses[1]]);

const refusals: readonly Refusal[] = [
  ["an approval of another gate", "APPROVAL_GATE_MISMATCH", 10, (world) => world.start(world.stage({ gate: "SG_1" }))],
  ["an approval for another run", "APPROVAL_RUN_MISMATCH", 10, (world) => world.start(world.stage({ run_id: "another-run" }))],
  [
    "an approval for another document",
    "APPROVAL_DOCUMENT_MISMATCH",
    10,
    (world) => world.start(world.stage({ document_id: "knowledge/other/x.md" })),
  ],
  ["an approval for another plan", "APPROVAL_PAYLOAD_MISMATCH", 10, (world) => world.start(world.stage({ payload_sha: "f".repeat(64) }))],
  ["an approval for another host", "APPROVAL_HOST_MISMATCH", 10, (world) => world.start(world.stage({ host: "f".repeat(64) }))],
  [
    "an approval for another release",
    "APPROVAL_RELEASE_MISMATCH",
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
    "REVERT_STAGING_DAMAGED",
    10,
    (world) => world.start({ ...world.stage(), approval: Buffer.from("x") }),
  ],
  ["an approval that is spent", "REVERT_APPROVAL_SPENT", 10, (world) => world.start(world.stage({}, { staged: { spent_before: true } }))],
  [
    "a UUID that stands for the cut already",
    "REVERT_APPROVAL_SPENT",
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
    "APPROVAL_PAYLOAD_MISMATCH",
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
        "insert into public.iu_lifecycle_log (unit_id, from_state, to_state, run_id, idempotency_key) select id, 'enacted', 'enacted', 'R9', gen_random_uuid()::text from public.information_unit where canonical_address = $1",
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
        "insert into public.information_unit (canonical_address, doc_code, parent, unit_kind, ordinal, content_sha256, created_by_run, last_run_id) select $1 || '/c', doc_code, id, 'section', 9, content_sha256, 'R9', 'R9' from public.information_unit where canonical_address = $1",
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
        "update public.unit_version v set version_no = 2 from public.information_unit u where v.unit_id = u.id and u.canonical_address = $1",
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
              "insert into public.information_unit (canonical_address, doc_code, unit_kind, ordinal, content_sha256, created_by_run, last_run_id) select $1 || '/new', doc_code, 'section', 9, content_sha256, 'R9', 'R9' from public.information_unit where canonical_address = $1",
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
    expect(await codeOf(damaged)).toEqual({ code, exit });
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
    const names = (await world.ports.knowledgeBase.list(folder)).map(({ id }) => id.slice(folder.length + 1));
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
