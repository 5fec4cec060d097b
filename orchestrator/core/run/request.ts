// /etc/cutter/requests/<run_id>.yaml: which document a run is about, in which mode, and where its approvals are.
// A start does what its request says and no more.
import { z } from "zod";

export const requestSchema = z.strictObject({
  schema: z.literal("cutter.request/1"),
  run_id: z.string(),
  document_id: z.string(),
  mode: z.enum(["dryrun", "live"]),
  approvals: z.partialRecord(z.enum(["SG_1", "SG_2"]), z.string()).default({}),
});

export type RunRequest = z.infer<typeof requestSchema>;
