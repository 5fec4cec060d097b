// Phase 10: the units' way from draft to enacted, fn_iu_enact once per unit. A dry run computes every call and makes none.
import { z } from "zod";
import { sha256OfJson } from "../core/digest.ts";
import { toVerdict } from "../core/verdict.ts";
import { cutLegA, toIdempotencyKey } from "./06-cut-leg-a.ts";
import { writeVerify } from "./09-write-verify.ts";
import { refuseLive, writePhase } from "./define.ts";
import { sha256 } from "./schemas.ts";

const call = z.strictObject({ idempotency_key: z.string(), run_id: z.string(), canonical_address: z.string(), to_state: z.literal("enacted"), review_decision_id: z.null() });
const output = z.strictObject({ function: z.literal("public.fn_iu_enact"), calls: z.array(call), callsSha256: sha256, rows: z.record(z.string(), z.int()) });

export const lifecycleEnact = writePhase({
  name: "lifecycle_enact",
  role: "cutter_exec",
  needs: { cutLegA, writeVerify },
  output,
  observe: ({ run }) => Promise.resolve(run),
  gate: () => toVerdict(),
  rehearse: (run, { cutLegA }) => {
    const calls = cutLegA.calls.map((unit) => ({ idempotency_key: toIdempotencyKey(run.runId, unit.ordinal), run_id: run.runId, canonical_address: unit.canonical_address, to_state: "enacted" as const, review_decision_id: null }));
    return { function: "public.fn_iu_enact" as const, calls, callsSha256: sha256OfJson(calls), rows: { "public.iu_lifecycle_log": calls.length } };
  },
  live: refuseLive("lifecycle_enact"),
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ calls, callsSha256, rows }) => ({
    summary: `${String(calls.length)} calls of fn_iu_enact computed, none made`,
    facts: [["role", "cutter_exec"], ["calls", calls.length], ["calls sha256", callsSha256], ["transition", "draft to enacted"], ...Object.entries(rows).map(([table, count]) => [`rows a live run would insert into ${table}`, count] as const)],
  }),
});
