// Phase 10: the units' way from draft to enacted, fn_iu_enact once per unit, all in one transaction. A dry run computes every call and
// makes none.
import { z } from "zod";
import { sha256OfJson } from "../core/encoding/digest.ts";
import { toEffectSha256, type EnactEffect } from "../core/journal/effect.ts";
import { CutterError } from "../core/errors.ts";
import { toVerdict } from "../core/run/verdict.ts";
import type { RecordedEnact } from "../ports/recorders.ts";
import { cutplan } from "./03-cutplan.ts";
import { cutLegA } from "./06-cut-leg-a.ts";
import { writeVerify } from "./09-write-verify.ts";
import { requireDecision } from "./decisions.ts";
import { writePhase } from "./define.ts";
import { toLayer } from "./layers.ts";
import { sha256, type CreateCall } from "./schemas.ts";
import { toPlannedEnactment } from "./unit-effects.ts";

const call = z.strictObject({
  idempotency_key: z.string(),
  run_id: z.string(),
  canonical_address: z.string(),
  to_state: z.literal("enacted"),
  review_decision_id: z.string().nullable(),
});
const landed = z.strictObject({ effectSha256: sha256, actors: z.array(z.string()), enacted: z.int(), digest: sha256 });
const output = z.strictObject({
  function: z.literal("public.fn_iu_enact"),
  calls: z.array(call),
  callsSha256: sha256,
  rows: z.record(z.string(), z.int()),
  landed: landed.nullable(),
});

export const lifecycleEnact = writePhase({
  name: "lifecycle_enact",
  role: "cutter_exec",
  needs: { cutplan, cutLegA, writeVerify },
  output,
  observe: ({ run }) => Promise.resolve(run),
  precondition: () => toVerdict(),
  rehearse: (run, needs) => ({ ...toWork(run.runId, needs.cutLegA.calls, null), landed: null }),
  live: {
    effect: "rows",
    expectedSha256: (_run, history, { cutLegA }) =>
      toEffectSha256(toPlannedEnactment(cutLegA.calls, requireDecision(history, "SG_2").reviewDecisionId)),
    probe: async ({ run, history, recorders }, { cutplan, cutLegA }) => {
      const planned = toPlannedEnactment(cutLegA.calls, requireDecision(history, "SG_2").reviewDecisionId);
      const enacted = await recorders.readEnacted(cutplan.plan.documentId, run.runId);
      const states = new Map(
        (await recorders.readUnits(cutplan.plan.documentId, run.runId)).map((unit) => [unit.address, unit.lifecycleState]),
      );
      return {
        unique: toLayer(
          planned.filter(({ address }) => states.get(address) === "enacted"),
          planned.length,
        ),
        recorder: toLayer(toEffects(enacted), planned.length),
      };
    },
    apply: async ({ run, history, writeDatabase }, { cutplan, cutLegA }, _evidence, permission) => {
      const versions = new Map((cutLegA.landed?.units ?? []).map((unit) => [unit.address, unit.versionId]));
      const units = toPlannedEnactment(cutLegA.calls, requireDecision(history, "SG_2").reviewDecisionId).map((unit) => ({
        ...unit,
        expectedVersionId: toVersion(versions, unit.address),
      }));
      await writeDatabase.enactUnits(permission, { runId: run.runId, documentId: cutplan.plan.documentId, units });
    },
    conclude: async ({ run, history, recorders, database }, needs) => {
      const { plan } = needs.cutplan;
      const { reviewDecisionId } = requireDecision(history, "SG_2");
      const expectedSha256 = toEffectSha256(toPlannedEnactment(needs.cutLegA.calls, reviewDecisionId));
      const enacted = await recorders.readEnacted(plan.documentId, run.runId);
      const effectSha256 = toEffectSha256(toEffects(enacted));
      if (effectSha256 !== expectedSha256)
        throw new CutterError("READ_BACK_DIFFERS", {
          step: "lifecycle_enact",
          expected: needs.cutLegA.calls.length,
          found: enacted.length,
        });
      const digest = await database.readDocumentDigest(
        plan.documentId,
        plan.units.map((unit) => unit.address),
      );
      return {
        ...toWork(run.runId, needs.cutLegA.calls, reviewDecisionId),
        landed: {
          effectSha256,
          actors: [...new Set(enacted.map(({ actor }) => actor))].sort(),
          enacted: enacted.length,
          digest: digest.sha256,
        },
      };
    },
  },
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ calls, callsSha256, rows, landed }) => ({
    summary:
      landed === null
        ? `${String(calls.length)} calls of fn_iu_enact computed, none made`
        : `${String(landed.enacted)} units brought into force in one transaction by ${landed.actors.join(", ")}`,
    facts: [
      ["role", "cutter_exec"],
      ["calls", calls.length],
      ["calls sha256", callsSha256],
      ["transition", "draft to enacted"],
      ...Object.entries(rows).map(
        ([table, count]) => [`rows ${landed === null ? "a live run would insert" : "inserted"} into ${table}`, count] as const,
      ),
      ...(landed === null
        ? []
        : ([
            ["digest of the document's rows after it", landed.digest],
            ["review_decision", calls[0]?.review_decision_id ?? null],
          ] as const)),
    ],
  }),
});

/** By the version leg A left: a unit that got another one since is refused by the function itself. */
function toVersion(versions: ReadonlyMap<string, string>, address: string): string {
  const version = versions.get(address);
  if (version === undefined) throw new Error(`leg A left no version of ${address}`);
  return version;
}

function toEffects(enacted: readonly RecordedEnact[]): readonly EnactEffect[] {
  return enacted.map(({ idempotencyKey, address, toState, reviewDecisionId }) => ({
    idempotencyKey,
    address,
    toState,
    reviewDecisionId: reviewDecisionId ?? "",
  }));
}

function toWork(runId: string, created: readonly CreateCall[], reviewDecisionId: string | null) {
  const calls = created.map((unit) => ({
    idempotency_key: unit.idempotency_key,
    run_id: runId,
    canonical_address: unit.canonical_address,
    to_state: "enacted" as const,
    review_decision_id: reviewDecisionId,
  }));
  return {
    function: "public.fn_iu_enact" as const,
    calls,
    callsSha256: sha256OfJson(calls),
    rows: { "public.iu_lifecycle_log": calls.length },
  };
}
