// Shapes that several phases' outputs share.
import { z } from "zod";

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const headingSchema = z.strictObject({
  kind: z.enum(["atx", "setext"]),
  level: z.int().min(1).max(6),
  title: z.string(),
  byteOffset: z.int().min(0),
  lineByteOffset: z.int().min(0),
  line: z.int().min(1),
  cut: z.enum(["cut_point", "nested", "front_matter"]),
});

export const markedSourceSchema = z.strictObject({
  sourceSha256: sha256,
  sourceBytes: z.int(),
  frontMatterEnd: z.int().nullable(),
  headings: z.array(headingSchema),
});

/** The arguments of one call of fn_iu_create, named as the function's own (p_…); the body itself stands in the source. */
export const createCallSchema = z.strictObject({
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
  review_decision_id: z.string().nullable(), // the sovereign issues it: null in a dry run
});

export type CreateCall = z.infer<typeof createCallSchema>;
