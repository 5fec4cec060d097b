// What an approval says, field by field (decision 19). One shape per gate; an unknown field is refused, so nothing can be signed
// that is not read.
import { z } from "zod";
import type { ScopeFields } from "./scope.ts";
import { isKbId } from "../knowledge-base/id.ts";
import { parseRunId } from "../run-id.ts";
import { type PhaseName, phaseOfGate } from "../phase-names.ts";

export const approvalGates = ["SG_1", "SG_2", "SG_3", "RULING", "REVERT"] as const;
export type ApprovalGate = (typeof approvalGates)[number];

/** The phases that write to the database or come after the first that does: only there can an SG_3 be raised. */
export const escalatingPhases = [
  "cut_leg_a",
  "structural_verify",
  "leg_b_record",
  "write_verify",
  "lifecycle_enact",
  "closeout",
] as const satisfies readonly PhaseName[];

const entriesMax = 200;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, "a UUID version 4 in lower case");
const time = z.string().refine(isTime, "a UTC time like 2026-11-22T10:00:00Z");
const runId = z.string().refine(isRunId, "a run id");
const documentId = z.string().refine(isKbId, "a knowledge base id");
// Only its shape: a later release must still read what was signed; a name that is no code accepts nothing.
const code = z.string().regex(/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/, "a code like PRINCIPAL_TOO_STRONG");
const distinctCodes = z
  .array(code)
  .max(50)
  .refine((list) => new Set(list).size === list.length, "each code once");

const runScope = { run_id: runId, document_id: documentId, payload_sha: sha256 };
const scope = { ...runScope, host: sha256, release_sha256: sha256 } satisfies Record<keyof ScopeFields, z.ZodType<string>>;

/** Fields that other signed or arming documents share. */
export const sharedFields = { sha256, uuid, time, runId, documentId, distinctCodes, scope } as const;

const decided = { ...runScope, review_decision_id: uuid };
const common = { schema: z.literal("cutter.approval/1"), ...scope, ...decided, issued_at: time };
const approve = z.literal("approve");

/** The phase of REVERT and RULING is the first that writes to the database: what a ruling begins and a revert undoes. */
export const approvalSchema = z.discriminatedUnion("gate", [
  z.strictObject({ ...common, gate: z.literal("SG_1"), decision: approve, phase: z.literal(phaseOfGate.SG_1) }),
  z.strictObject({
    ...common,
    gate: z.literal("SG_2"),
    decision: approve,
    phase: z.literal(phaseOfGate.SG_2),
    // Further runs, beside the one the document names itself.
    entries: z
      .array(z.strictObject({ ...decided, phase: z.literal(phaseOfGate.SG_2) }))
      .min(1)
      .max(entriesMax)
      .optional(),
  }),
  z.strictObject({ ...common, gate: z.literal("SG_3"), decision: z.enum(["resume", "void"]), phase: z.enum(escalatingPhases) }),
  z.strictObject({ ...common, gate: z.literal("REVERT"), decision: approve, phase: z.literal(phaseOfGate.REVERT) }),
  z.strictObject({
    ...common,
    gate: z.literal("RULING"),
    decision: approve,
    phase: z.literal(phaseOfGate.RULING),
    document_sha256: sha256,
    why_harmless: z.string().refine((text) => text.trim().length >= 10 && text.length <= 2000, "a sentence of 10 to 2000 characters"),
    architect_text: z.strictObject({ kb_id: documentId, revision: z.int().min(1), sha256 }),
    governance_principal: z.enum(["cutter_exec", "directus_secdef"]),
    rollback_runbook_sha256: sha256,
    grant_matrix_sha256: sha256,
    accepts: distinctCodes,
    expires_at: time,
    starts: z.int().min(1).max(5),
  }),
]);

export type Approval = z.infer<typeof approvalSchema>;
export type Ruling = Extract<Approval, { readonly gate: "RULING" }>;

/** One decision: an approval's own, or one entry of a batch. */
export interface ApprovedDecision {
  readonly run_id: string;
  readonly document_id: string;
  readonly phase: PhaseName;
  readonly payload_sha: string;
  readonly review_decision_id: string;
}

/** Every decision of an approval, its own first. Pure. */
export function toApprovedDecisions(approval: Approval): readonly ApprovedDecision[] {
  const entries = approval.gate === "SG_2" ? (approval.entries ?? []) : [];
  return [approval, ...entries].map(({ run_id, document_id, phase, payload_sha, review_decision_id }) => ({
    run_id,
    document_id,
    phase,
    payload_sha,
    review_decision_id,
  }));
}

/** Whole seconds, UTC, and a day the calendar has. */
function isTime(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text)) return false;
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString() === text.replace("Z", ".000Z");
}

function isRunId(text: string): boolean {
  try {
    return parseRunId(text, { allowDryRunSuffix: false }).length > 0;
  } catch {
    return false;
  }
}

/** A principal with more rights than needed. Nothing else is acceptable: a name that is not here accepts nothing. */
export const acceptableCodes = ["PRINCIPAL_TOO_STRONG"] as const;

/** The reasons that remain when a ruling's `accepts` is heard. */
export function toUnaccepted(reasons: readonly string[], accepts: readonly string[]): readonly string[] {
  const acceptable: readonly string[] = acceptableCodes;
  return [...new Set(reasons)].filter((code) => !(accepts.includes(code) && acceptable.includes(code)));
}
