// Phase 6: the cut itself, fn_iu_create once per unit with an idempotency key of its own. A dry run computes every call and makes none.
import { z } from "zod";
import { sha256OfJson } from "../core/digest.ts";
import { refuseIf, toVerdict } from "../core/verdict.ts";
import { sourcePin } from "./01-source-pin.ts";
import { cutplan } from "./03-cutplan.ts";
import { preWriteBackup } from "./04-pre-write-backup.ts";
import { refuseLive, writePhase } from "./define.ts";
import { sha256 } from "./schemas.ts";

const call = z.strictObject({
  idempotencyKey: z.string(),
  canonicalAddress: z.string(),
  docCode: z.string(),
  parentAddress: z.string().nullable(),
  unitKind: z.string(),
  ordinal: z.int(),
  title: z.string(),
  contentSha256: sha256,
  byteStart: z.int(),
  byteEnd: z.int(),
  sourceVersionId: z.string(),
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
    const calls = plan.units.map((unit) => ({
      idempotencyKey: toIdempotencyKey(runId, unit.ordinal),
      canonicalAddress: unit.address,
      docCode: plan.docCode,
      parentAddress: unit.parent,
      unitKind: unit.kind,
      ordinal: unit.ordinal,
      title: unit.title,
      contentSha256: unit.sha256,
      byteStart: unit.byteStart,
      byteEnd: unit.byteEnd,
      sourceVersionId: sourcePin.registry.sourceVersionId,
    }));
    return { function: "public.fn_iu_create" as const, calls, callsSha256: sha256OfJson(calls), rows: { "public.information_unit": calls.length, "public.unit_version": calls.length } };
  },
  apply: refuseLive("cut_leg_a"),
  probe: refuseLive("cut_leg_a"),
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ calls, callsSha256, rows }) => ({
    summary: `${String(calls.length)} calls of fn_iu_create computed, none made`,
    facts: [
      ["role", "cutter_exec"],
      ["calls", calls.length],
      ["calls sha256", callsSha256],
      ["first idempotency key", calls[0]?.idempotencyKey ?? null],
      ["last idempotency key", calls.at(-1)?.idempotencyKey ?? null],
      ...Object.entries(rows).map(([table, count]) => [`rows a live run would insert into ${table}`, count] as const),
    ],
  }),
});

/** `<run_id>:<ordinal>` (design 4.2): one key a unit, so a replay of the same run is told apart from another run. Pure. */
export function toIdempotencyKey(runId: string, ordinal: number): string {
  return `${runId}:${String(ordinal)}`;
}
