// What the tests of the emergency revert share: a server, people with keys, worlds that are removed after each test, and ways to look at a
// document's rows.
import { isDeepStrictEqual } from "node:util";
import type { Client } from "pg";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { readLines } from "../../../orchestrator/core/journal/chain.ts";
import { parseRevertRecord } from "../../../orchestrator/core/revert/journal.ts";
import type { RevertOutcome } from "../../../orchestrator/engine/revert/outcome.ts";
import { startPostgres, type TestPostgres } from "../database/postgres.ts";
import { createGpgHome, type GpgHome } from "../gpg.ts";
import { toNamed, toRefusal } from "../refusal-case.ts";
import { makeRevertWorld, type RevertWorld } from "./revert-world.ts";

export interface RevertSetting {
  readonly server: TestPostgres;
  readonly admin: Client;
  readonly home: GpgHome;
  readonly sovereign: string;
  readonly stranger: string;
  makeWorld(options?: { readonly cut: boolean }): Promise<RevertWorld>;
  /** Every row of the document and of its run, in whatever table, as text. */
  readRows(world: RevertWorld): Promise<readonly string[]>;
  /** The lifecycle states of the document's units, in their order. */
  readStates(world: RevertWorld): Promise<readonly string[]>;
  removeWorlds(): Promise<void>;
  close(): Promise<void>;
}

export async function openRevertSetting(): Promise<RevertSetting> {
  const server = await startPostgres();
  const admin = await server.connect("workflow_admin");
  const home = createGpgHome();
  const sovereign = home.createKey("the sovereign", { at: "20260101T000000" });
  const stranger = home.createKey("a stranger", { at: "20260101T000000" });
  const worlds: RevertWorld[] = [];
  return {
    server,
    admin,
    home,
    sovereign,
    stranger,
    makeWorld: async (options) => {
      const world = await makeRevertWorld(server, { home, sovereign }, options);
      worlds.push(world);
      return world;
    },
    readRows: (world) => readRows(admin, world),
    readStates: (world) => readStates(admin, world),
    removeWorlds: async () => {
      for (const world of worlds.splice(0)) await world.remove();
    },
    close: async () => {
      home.remove();
      await server.stop();
    },
  };
}

async function readRows(admin: Client, { document }: RevertWorld): Promise<readonly string[]> {
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

const readStates = async (admin: Client, { document }: RevertWorld): Promise<readonly string[]> =>
  (
    await admin.query<{ state: string }>(
      "select lifecycle_state as state from public.information_unit where created_by_run = $1 order by ordinal",
      [document.runId],
    )
  ).rows.map(({ state }) => state);

/** The kinds of a revert's journal records, in their order. */
export const kindsOf = (world: RevertWorld) =>
  readLines(Buffer.from(world.readRevertFile("journal.jsonl")), "journal", parseRevertRecord).records.map(({ entry }) => entry.kind);

/** What a start ended with, whether it returned or threw. */
export const codeOf = async (work: Promise<RevertOutcome>, name = ""): Promise<{ readonly code: string | null; readonly exit: number }> =>
  work.then(
    ({ code, exit_code, facts }) => ({
      code: code === toRefusal(name).code && isDeepStrictEqual({ ...facts, ...toRefusal(name).facts }, facts) ? name : code,
      exit: exit_code,
    }),
    (error: unknown) => {
      if (error instanceof CutterError) return { code: String(toNamed(error, name)), exit: error.exitCode };
      throw error;
    },
  );
