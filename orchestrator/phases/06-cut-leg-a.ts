// Phase 6: the cut itself, fn_iu_create once per unit with an idempotency key of its own, all in one transaction. A dry run computes every
// call and makes none.
import { z } from "zod";
import { sha256OfJson } from "../core/encoding/digest.ts";
import { toEffectSha256 } from "../core/journal/effect.ts";
import { CutterError } from "../core/errors.ts";
import { refuseIf, toVerdict } from "../core/run/verdict.ts";
import { sourcePin } from "./01-source-pin.ts";
import { cutplan } from "./03-cutplan.ts";
import { preWriteBackup } from "./04-pre-write-backup.ts";
import { requireDecision } from "./decisions.ts";
import { writePhase } from "./define.ts";
import { toLayer } from "./layers.ts";
import { createCallSchema, sha256 } from "./schemas.ts";
import { toPlannedEffects, toStoredEffects } from "./unit-effects.ts";

/** What stands after a live run's COMMIT, read back by another login. */
const landed = z.strictObject({
  effectSha256: sha256,
  toDigest: sha256, // of the document's rows, as from_digest was
  createdBy: z.array(z.string()), // logins
  units: z.array(z.strictObject({ address: z.string(), unitId: z.string(), versionId: z.string() })), // in the plan's order
});

const output = z.strictObject({
  function: z.literal("public.fn_iu_create"),
  calls: z.array(createCallSchema),
  callsSha256: sha256,
  rows: z.record(z.string(), z.int()),
  landed: landed.nullable(),
});

export const cutLegA = writePhase({
  name: "cut_leg_a",
  role: "cutter_exec",
  needs: { sourcePin, cutplan, preWriteBackup },
  output,
  observe: async ({ database, run }, { cutplan }) => {
    const { plan } = cutplan;
    const digest = await database.readDocumentDigest(
      plan.documentId,
      plan.units.map((unit) => unit.address),
    );
    return { runId: run.runId, digest };
  },
  precondition: ({ digest }, { cutplan }) =>
    toVerdict(
      refuseIf(digest.sha256 !== cutplan.plan.fromDigest, "ROWS_MOVED", { from_digest: cutplan.plan.fromDigest, found: digest.sha256 }),
      refuseIf(digest.plannedAddressesTaken.length > 0, "ADDRESSES_TAKEN", {
        count: digest.plannedAddressesTaken.length,
        first: digest.plannedAddressesTaken[0] ?? "",
      }),
    ),
  rehearse: ({ runId }, needs) => ({ ...toWork(runId, needs, null), landed: null }),
  live: {
    effect: "rows",
    expectedSha256: (run, _history, needs) => toEffectSha256(toPlannedEffects(toWork(run.runId, needs, null).calls)),
    probe: async ({ run, recorders }, { cutplan }) => {
      const { documentId, units } = cutplan.plan;
      const recorded = await recorders.readUnits(documentId, run.runId);
      const addresses = (
        await recorders.readAddresses(
          documentId,
          units.map((unit) => unit.address),
        )
      ).filter(({ createdByRun }) => createdByRun === run.runId);
      const ours = new Set(addresses.map(({ address }) => address));
      // Addresses that others hold are the gate's to refuse; here only what this run may have left counts.
      return {
        unique: toLayer(toStoredEffects(recorded.filter((unit) => ours.has(unit.address))), units.length),
        recorder: toLayer(toStoredEffects(recorded), units.length),
      };
    },
    apply: async ({ run, history, writeDatabase }, needs, _evidence, permission) => {
      const { plan } = needs.cutplan;
      const source = Buffer.from(needs.sourcePin.body, "utf8");
      const { reviewDecisionId } = requireDecision(history, "SG_1");
      const units = toPlannedEffects(toWork(run.runId, needs, reviewDecisionId).calls).map((unit) => ({
        ...unit,
        body: source.subarray(unit.byteStart, unit.byteEnd).toString("utf8"),
      }));
      await writeDatabase.createUnits(permission, {
        runId: run.runId,
        documentId: plan.documentId,
        fromDigest: plan.fromDigest,
        plannedAddresses: plan.units.map((unit) => unit.address),
        reviewDecisionId,
        units,
      });
    },
    conclude: async ({ run, history, recorders, database }, needs) => {
      const { plan } = needs.cutplan;
      const work = toWork(run.runId, needs, requireDecision(history, "SG_1").reviewDecisionId);
      const expectedSha256 = toEffectSha256(toPlannedEffects(work.calls));
      const units = await recorders.readUnits(plan.documentId, run.runId);
      const effectSha256 = toEffectSha256(toStoredEffects(units));
      if (effectSha256 !== expectedSha256)
        throw new CutterError("READ_BACK_DIFFERS", {
          step: "cut_leg_a",
          expected: plan.units.length,
          found: units.length,
          expected_sha256: expectedSha256,
          found_sha256: effectSha256,
        });
      const after = await database.readDocumentDigest(
        plan.documentId,
        plan.units.map((unit) => unit.address),
      );
      return {
        ...work,
        landed: {
          effectSha256,
          toDigest: after.sha256,
          createdBy: [...new Set(units.map((unit) => unit.createdBy))].sort(),
          units: units.map(({ address, unitId, versionId }) => ({ address, unitId, versionId })),
        },
      };
    },
  },
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ calls, callsSha256, rows, landed }) => ({
    summary:
      landed === null
        ? `${String(calls.length)} calls of fn_iu_create computed, none made`
        : `${String(landed.units.length)} units created in one transaction by ${landed.createdBy.join(", ")}`,
    facts: [
      ["role", "cutter_exec"],
      ["calls", calls.length],
      ["calls sha256", callsSha256],
      ["first idempotency key", calls[0]?.idempotency_key ?? null],
      ["last idempotency key", calls.at(-1)?.idempotency_key ?? null],
      ...Object.entries(rows).map(
        ([table, count]) => [`rows ${landed === null ? "a live run would insert" : "inserted"} into ${table}`, count] as const,
      ),
      ...(landed === null
        ? []
        : ([
            ["digest of the document's rows after it", landed.toDigest],
            ["digest of what was read back", landed.effectSha256],
            ["review_decision", calls[0]?.review_decision_id ?? null],
          ] as const)),
    ],
  }),
});

interface WorkNeeds {
  readonly sourcePin: z.output<typeof sourcePin.output>;
  readonly cutplan: z.output<typeof cutplan.output>;
}

/** Every call, in the plan's order. Pure. */
function toWork(runId: string, { sourcePin, cutplan }: WorkNeeds, reviewDecisionId: string | null) {
  const { plan } = cutplan;
  const byAddress = new Map(plan.units.map((unit) => [unit.address, unit]));
  const calls = plan.units.map((unit) => ({
    idempotency_key: toIdempotencyKey(runId, unit.ordinal),
    run_id: runId,
    canonical_address: unit.address,
    doc_code: plan.docCode,
    parent_address: unit.parent,
    unit_kind: unit.kind,
    ordinal: unit.ordinal,
    body_sha256: unit.sha256,
    heading_path: toHeadingPath(unit, byAddress),
    byte_start: unit.byteStart,
    byte_end: unit.byteEnd,
    source_version_id: sourcePin.registry.sourceVersionId,
    review_decision_id: reviewDecisionId,
  }));
  return {
    function: "public.fn_iu_create" as const,
    calls,
    callsSha256: sha256OfJson(calls),
    rows: { "public.information_unit": calls.length, "public.unit_version": calls.length },
  };
}

/** `<run_id>:<ordinal>` (decision 14): one key a unit, so a replay of the same run is told apart from another run. Pure. */
function toIdempotencyKey(runId: string, ordinal: number): string {
  return `${runId}:${String(ordinal)}`;
}

interface Titled {
  readonly parent: string | null;
  readonly title: string;
}

/** Titles from the root to the unit, joined by ` > `. A unit's parent stands before it in the plan, so this ends. Pure. */
function toHeadingPath(unit: Titled, byAddress: ReadonlyMap<string, Titled>): string {
  const parent = unit.parent === null ? undefined : byAddress.get(unit.parent);
  return [...(parent === undefined ? [] : [toHeadingPath(parent, byAddress)]), unit.title].filter((title) => title !== "").join(" > ");
}
