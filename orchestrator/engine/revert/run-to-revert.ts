// What the run left, as far as its folder tells: the plan it cut by, the counts before the cut, the digest of its effect. All of it is
// compared, none of it is trusted.
import { z } from "zod";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { toEffectSha256, type UnitEffect } from "../../core/journal/effect.ts";
import { CutterError } from "../../core/errors.ts";
import { readChain } from "../../core/journal/chain.ts";
import type { Census } from "../../core/journal/status.ts";
import type { Files } from "../../ports/files.ts";
import { tryParseJson } from "../../core/encoding/try-parse-json.ts";
import { recordedPlanSchema } from "../../core/plan/schema.ts";

const planSchema = recordedPlanSchema
  .pick({ schema: true, documentId: true, docCode: true, fromDigest: true, units: true })
  .refine(({ units }) => units.length > 0);

export interface RunToRevert {
  readonly folder: string;
  readonly plan: z.infer<typeof planSchema>;
  readonly payloadSha: string;
  readonly addresses: readonly string[];
  readonly before: Census["tables"] | null; // null: the run's journal cannot be read, or tells none
  readonly effectSha256: string | null; // of cut_leg_a, where the journal tells it
}

/** @throws REVERT_RUN_UNKNOWN without a folder, REVERT_PLAN_UNREADABLE */
export async function readRunToRevert(files: Files, sidecarRoot: string, runId: string): Promise<RunToRevert> {
  const folder = `${sidecarRoot}/${runId}`;
  if ((await files.facts(folder))?.kind !== "folder") throw new CutterError("REVERT_RUN_UNKNOWN", { run_id: runId, looked_for: folder });
  const bytes = await files.read(`${folder}/plan.json`);
  const plan = planSchema.safeParse(tryParseJson(bytes));
  if (bytes === null || !plan.success)
    throw new CutterError("REVERT_PLAN_UNREADABLE", {
      run_id: runId,
      file: `${folder}/plan.json`,
      problem: bytes === null ? "absent" : "no plan",
    });
  return {
    folder,
    plan: plan.data,
    payloadSha: sha256Hex(bytes),
    addresses: plan.data.units.map(({ address }) => address),
    ...(await readJournal(files, folder)),
  };
}

const effectDone = z.looseObject({ kind: z.literal("effect_done"), step: z.literal("cut_leg_a"), effect_sha256: z.string() });

async function readJournal(files: Files, folder: string): Promise<Pick<RunToRevert, "before" | "effectSha256">> {
  const file = `${folder}/journal.jsonl`;
  try {
    const { records } = readChain((await files.read(file)) ?? new Uint8Array(), file);
    const before = records.flatMap(({ entry }) => (entry.kind === "census_before" ? [entry.tables] : []))[0] ?? null;
    const effect = records.map(({ entry }) => effectDone.safeParse(entry)).findLast(({ success }) => success);
    return { before, effectSha256: effect?.data?.effect_sha256 ?? null };
  } catch (error) {
    if (error instanceof CutterError) return { before: null, effectSha256: null }; // damaged: said in the report, and the plan still stands
    throw error;
  }
}

/**
 * Every unit equals the plan, and all of them the digest the run recorded. @returns whether such a digest was there.
 * @throws REVERT_ROWS_CHANGED
 */
export function compareWithPlan(runId: string, run: RunToRevert, found: readonly UnitEffect[]): "equal" | "not recorded" {
  const refuse = (part: string, expected: string | number, is: string | number): CutterError =>
    new CutterError("REVERT_ROWS_CHANGED", { run_id: runId, part, expected, found: is });
  if (found.length !== run.plan.units.length) throw refuse("number of units", run.plan.units.length, found.length);
  for (const [index, planned] of run.plan.units.entries()) {
    const unit = found[index];
    const wanted = {
      address: planned.address,
      docCode: run.plan.docCode,
      parent: planned.parent,
      kind: planned.kind,
      ordinal: planned.ordinal,
      byteStart: planned.byteStart,
      byteEnd: planned.byteEnd,
      bodySha256: planned.sha256,
      idempotencyKey: `${runId}:${String(planned.ordinal)}`,
    };
    for (const name of Object.keys(wanted) as (keyof typeof wanted)[]) {
      if (unit?.[name] !== wanted[name]) throw refuse(`${name} of ${planned.address}`, wanted[name] ?? "none", unit?.[name] ?? "none");
    }
  }
  if (run.effectSha256 === null) return "not recorded";
  const effect = toEffectSha256(found);
  if (effect !== run.effectSha256) throw refuse("digest of the units", run.effectSha256, effect);
  return "equal";
}
