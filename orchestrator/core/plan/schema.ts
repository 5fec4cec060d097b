// plan.json: what people approve. A transition state → state; no run id in it (decision 28).
import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const plannedUnitSchema = z.strictObject({
  address: z.string(), // "<document code>/<path>", unique in the plan; grammar in address.ts
  kind: z.enum(["preamble", "section", "document"]),
  parent: z.string().nullable(), // address of the parent unit
  ordinal: z.int().min(0), // 0-based position in the document
  level: z.int().min(0).max(6), // heading level 1–6, 0 without heading
  title: z.string(), // raw; longer ones are cut at 512 characters and end in …
  byteStart: z.int().min(0),
  byteEnd: z.int().min(0), // exclusive
  sha256, // of the unit's bytes
});

export const cutPlanSchema = z.strictObject({
  schema: z.literal("cutter.plan/1"),
  documentId: z.string(),
  docCode: z.string(),
  sourceSha256: sha256,
  sourceBytes: z.int(),
  sourceRevision: z.int(),
  fromDigest: sha256,
  units: z.array(plannedUnitSchema).readonly(),
});

export type PlannedUnit = Readonly<z.infer<typeof plannedUnitSchema>>;
export type CutPlan = Readonly<z.infer<typeof cutPlanSchema>>;

/** For readers, who pick what they need of it. Nothing is dropped, so that the text can be made again and compared. */
export const recordedPlanSchema = cutPlanSchema.extend({ units: z.array(plannedUnitSchema.loose()).readonly() }).loose();
