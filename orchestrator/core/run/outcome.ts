// outcome.json: what one start of a run came to. Written beside the journal, printed, and read back by whoever drafts, arms or audits.
import { z } from "zod";
import { phaseName, refusalSchema } from "../journal/record.ts";

const refusal = refusalSchema.extend({ phase: phaseName });

const runOutcomeSchema = z.strictObject({
  schema: z.literal("cutter.orchestrate-run/1"),
  run_id: z.string(),
  document_id: z.string(),
  mode: z.enum(["dryrun", "live"]),
  result: z.enum(["done", "waiting", "stopped", "voided"]),
  exit_code: z.int(),
  code: z.string().nullable(), // of the registry, when the run did not end as done
  facts: refusalSchema.shape.facts,
  phase: phaseName.nullable(), // where it stands, when not done
  waits_on: z.string().nullable(),
  phases_done: z.int(),
  certificate: z.enum(["pass", "inconclusive", "fail"]).nullable(),
  payload_sha: z.string().nullable(),
  would_refuse: z.array(refusal).readonly(),
  replay: z.boolean(), // the run was done before; this start changed nothing
  folder: z.string(),
});

export type RunOutcome = Readonly<z.infer<typeof runOutcomeSchema>>;

/** For readers, who pick what they need of it; of a refusal they need its code. */
export const recordedOutcomeSchema = runOutcomeSchema
  .extend({ would_refuse: z.array(refusal.pick({ code: true }).loose()).readonly() })
  .loose();
