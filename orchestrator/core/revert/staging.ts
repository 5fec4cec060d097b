// /run/cutter/revert/<run_id>/staged.json: what root judged and spent before a revert may begin. The unit compares everything with it
// again.
import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const stagedRevertSchema = z.strictObject({
  schema: z.literal("cutter.revert-staged/1"),
  run_id: z.string(),
  approval_sha256: sha256,
  signature_sha256: sha256,
  review_decision_id: z.uuid(),
  host: sha256,
  release_sha256: sha256,
  runbook_sha256: sha256, // as the ownership manifest pins it
  sovereign: z.strictObject({ fingerprint: z.string().regex(/^[0-9A-F]{40}$/), file_sha256: sha256 }),
  /** The ledger had it already: then the only answer it may still give is "this run is reverted". */
  spent_before: z.boolean(),
  staged_at: z.iso.datetime(),
});

export type StagedRevert = z.infer<typeof stagedRevertSchema>;

/** Names of the three files in the folder. */
export const stagedFiles = { approval: "revert.md", signature: "revert.md.asc", staged: "staged.json" } as const;
