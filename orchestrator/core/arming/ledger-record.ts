// Lines of the host's ledger: what was spent, and who enabled, disabled and reverted when. Chained like a run's journal; shapes only, pure.
import { z } from "zod";
import { sharedFields } from "../approval/schema.ts";

const { sha256, uuid } = sharedFields;
const chain = { seq: z.int().min(0), at: z.iso.datetime(), prev: sha256 };

/** One start of a ruling, or the single use of a decision. */
export const spentSchema = z.strictObject({
  ...chain,
  kind: z.literal("spent"),
  gate: z.enum(["RULING", "SG_3", "REVERT"]),
  run_id: z.string(),
  document_sha256: sha256,
  review_decision_id: uuid,
  n: z.int().min(1), // which use this is
  of: z.int().min(1), // how many there are
});

/** Anything that moved the switch. `disable` is written by sh, so only its action is fixed. */
export const auditSchema = z.looseObject({ ...chain, action: z.string().min(1) });

export type SpentRecord = z.infer<typeof spentSchema>;
export type AuditRecord = z.infer<typeof auditSchema>;

/**
 * What is about to be used up: `of` starts in all, counted by the document's digest and by its UUID, so that neither a copy nor a
 * re-signing gives new ones.
 */
export type Spending = Pick<SpentRecord, "gate" | "run_id" | "document_sha256" | "review_decision_id" | "of">;

/** How often it has been used, under whatever name. Pure. */
export function countSpent(records: readonly SpentRecord[], wanted: Pick<Spending, "document_sha256" | "review_decision_id">): number {
  return records.filter(
    (record) => record.document_sha256 === wanted.document_sha256 || record.review_decision_id === wanted.review_decision_id,
  ).length;
}
