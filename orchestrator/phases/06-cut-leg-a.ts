// Phase 6: the cut itself, fn_iu_create once per unit with an idempotency key of its own. A dry run computes every call and makes none.
import { z } from "zod";
import { sha256OfJson } from "../core/digest.ts";
import { refuseIf, toVerdict } from "../core/verdict.ts";
import { sourcePin } from "./01-source-pin.ts";
import { cutplan } from "./03-cutplan.ts";
import { preWriteBackup } from "./04-pre-write-backup.ts";
import { refuseLive, writePhase } from "./define.ts";
import { sha256 } from "./schemas.ts";

/** The arguments of one call, named as the function's own (p_…); the body itself stands in the source. */
const call = z.strictObject({
  idempotency_key: z.string(),
  run_id: z.string(),
  canonical_address: z.string(),
  doc_code: z.string(),
  parent_address: z.string().nullable(),
  unit_kind: z.string(),
  ordinal: z.int(),
  body_sha256: sha256,
  heading_path: z.string(),
  byte_start: z.int(),
  byte_end: z.int(),
  source_version_id: z.string(),
  review_decision_id: z.null(), // the sovereign issues it
});

const output = z.strictObject({ function: z.literal("public.fn_iu_create"), calls: z.array(call), callsSha256: sha256, rows: z.record(z.string(), z.int()) });

export const cutLegA = writePhase({
  name: "cut_leg_a",
  role: "cutter_exec",
  needs: { sourcePin, cutplan, preWriteBackup },
  output,
  observe: async ({ database, run }, { cutplan }) => {
    const { plan } = cutplan;
    const digest = await database.readDocumentDigest(plan.documentId, plan.units.map((unit) => unit.address));
    return { runId: run.runId, digest };
  },
  gate: ({ digest }, { cutplan }) =>
    toVerdict(
      refuseIf(digest.sha256 !== cutplan.plan.fromDigest, "ROWS_MOVED", { from_digest: cutplan.plan.fromDigest, found: digest.sha256 }),
      refuseIf(digest.plannedAddressesTaken.length > 0, "ADDRESSES_TAKEN", { count: digest.plannedAddressesTaken.length, first: digest.plannedAddressesTaken[0] ?? "" }),
    ),
  rehearse: ({ runId }, { sourcePin, cutplan }) => {
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
      review_decision_id: null,
    }));
    return { function: "public.fn_iu_create" as const, calls, callsSha256: sha256OfJson(calls), rows: { "public.information_unit": calls.length, "public.unit_version": calls.length } };
  },
  live: refuseLive("cut_leg_a"),
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ calls, callsSha256, rows }) => ({
    summary: `${String(calls.length)} calls of fn_iu_create computed, none made`,
    facts: [
      ["role", "cutter_exec"],
      ["calls", calls.length],
      ["calls sha256", callsSha256],
      ["first idempotency key", calls[0]?.idempotency_key ?? null],
      ["last idempotency key", calls.at(-1)?.idempotency_key ?? null],
      ...Object.entries(rows).map(([table, count]) => [`rows a live run would insert into ${table}`, count] as const),
    ],
  }),
});

/** `<run_id>:<ordinal>` (design 4.2): one key a unit, so a replay of the same run is told apart from another run. Pure. */
export function toIdempotencyKey(runId: string, ordinal: number): string {
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
