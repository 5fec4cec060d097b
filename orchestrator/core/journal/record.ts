// One record of a run's journal, as it stands on disk: what may be said, and nothing else.
import { z } from "zod";
import { writeSteps } from "./effect.ts";
import type { PhaseName } from "../phase-names.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const factValue = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);
const facts = z.record(z.string(), factValue);

/** Something that would stop a live run, or did stop this one: a code of the registry and its facts. */
export const refusalSchema = z.strictObject({ code: z.string(), facts });
export type RecordedRefusal = z.infer<typeof refusalSchema>;

export const connectionSchema = z.strictObject({ login: z.string(), transactions: z.int(), transactionIdsAssigned: z.array(z.string()) });
export const censusSchema = z.strictObject({ table: z.string(), rowCount: z.int(), sha256: z.string(), modifications: z.string() });
/** State of the modification counters; null in journals of releases that did not look. */
const countersSchema = z.strictObject({ reset_at: z.string().nullable(), counted: z.boolean() });

/** What a run was begun with; another start with other inputs is refused. */
const runInputsSchema = z.strictObject({
  request_sha256: sha256,
  config_sha256: sha256,
  release_sha256: sha256.nullable(),
  host_identity: sha256.nullable(),
});
export type RunInputs = z.infer<typeof runInputsSchema>;

const step = z.enum(writeSteps);
// On disk any text: another release may have had another list. The type is what this one may compare it with.
export const phaseName = z.custom<PhaseName>((value) => typeof value === "string");
const signatureSchema = z.strictObject({ role: z.enum(["sovereign", "architect"]), fingerprint: z.string(), signature_sha256: sha256 });

/** What only a live run says. `effect_sha256` is null where the effect is a file, which is known only once it is made. */
const liveEntries = [
  z.strictObject({
    kind: z.literal("approval_verified"),
    gate: z.enum(["SG_1", "SG_2", "SG_3", "RULING"]),
    kb_id: z.string(),
    document_sha256: sha256,
    review_decision_id: z.string(),
    payload_sha: sha256,
    issued_at: z.string(),
    signatures: z.array(signatureSchema),
    human_signers: z.int(),
  }),
  z.strictObject({ kind: z.literal("effect_intended"), step, effect_sha256: sha256.nullable() }),
  z.strictObject({ kind: z.literal("transaction"), step, id: z.string() }),
  z.strictObject({ kind: z.literal("effect_rolled_back"), step, why: z.string() }),
  z.strictObject({ kind: z.literal("effect_done"), step, effect_sha256: sha256.nullable(), found: z.enum(["committed", "already_there"]) }),
  z.strictObject({ kind: z.literal("escalated"), phase: phaseName, code: z.string(), facts }),
  z.strictObject({
    kind: z.literal("escalation_decided"),
    decision: z.enum(["resume", "void"]),
    review_decision_id: z.string(),
    approval_sha256: sha256,
  }),
  z.strictObject({ kind: z.literal("run_voided"), why: z.string() }),
] as const;

const entrySchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("run_started"),
    run_id: z.string(),
    document_id: z.string(),
    mode: z.enum(["dryrun", "live"]),
    inputs: runInputsSchema,
  }),
  z.strictObject({ kind: z.literal("attempt_started"), attempt: z.int(), pid: z.int(), boot_id: z.string() }),
  z.strictObject({
    kind: z.literal("census_before"),
    system_identifier: z.string(),
    counters: countersSchema.nullable().default(null),
    tables: z.array(censusSchema),
  }),
  z.strictObject({ kind: z.literal("phase_started"), phase: phaseName, number: z.int() }),
  z.strictObject({
    kind: z.literal("decision_rehearsed"),
    gate: z.enum(["SG_1", "SG_2"]),
    phase: phaseName,
    row: facts,
    would_refuse: z.array(refusalSchema),
  }),
  z.strictObject({
    kind: z.literal("phase_done"),
    phase: phaseName,
    number: z.int(),
    output_sha256: sha256,
    would_refuse: z.array(refusalSchema),
    duration_ms: z.int(),
  }),
  z.strictObject({ kind: z.literal("receipt"), phase: phaseName, document_id: z.string(), revision: z.int(), sha256 }),
  z.strictObject({ kind: z.literal("index_written"), document_id: z.string(), revision: z.int(), sha256 }),
  z.strictObject({
    kind: z.literal("attempt_ended"),
    attempt: z.int(),
    why: z.enum(["waiting", "stopped", "finished"]),
    code: z.string().nullable(),
    facts,
    connections: z.array(connectionSchema),
  }),
  z.strictObject({
    kind: z.literal("run_finished"),
    result: z.literal("done"),
    certificate: z.enum(["pass", "inconclusive", "fail"]).nullable(),
    exit_code: z.int(),
  }), // certificate: null for a live run
  ...liveEntries,
]);

/** What happened. The journal adds sequence, time and the chain. */
/** The kinds of records of a journal. */
export const entryKinds: readonly string[] = entrySchema.options.map(({ shape }) => shape.kind.value);

export type JournalEntry = z.infer<typeof entrySchema>;

/** What was cut off behind the line before: an append of ours that never became a whole line. */
const cutSchema = z.strictObject({ bytes: z.int().min(1), sha256 });
export type CutTail = z.infer<typeof cutSchema>;

/** What each line of a chain has besides its entry, whatever the chain is about. */
export const chainSchema = z.looseObject({ seq: z.int().min(0), at: z.iso.datetime(), prev: sha256, cut: cutSchema.optional() });

export interface JournalRecord {
  readonly seq: number; // 0, 1, 2, … without a gap
  readonly at: string; // ISO 8601 UTC
  readonly prev: string; // sha256 of the line before, 64 zeros for the first
  readonly cut?: CutTail | undefined;
  readonly entry: JournalEntry;
}

/** Parses the object of one line; null when it is no record. Pure. */
export function parseRecord(value: unknown): JournalRecord | null {
  const chained = chainSchema.safeParse(value);
  if (!chained.success) return null;
  const { seq, at, prev, cut, ...rest } = chained.data;
  const entry = entrySchema.safeParse(rest);
  return entry.success ? { seq, at, prev, ...(cut === undefined ? {} : { cut }), entry: entry.data } : null;
}

type Entry<Kind extends JournalEntry["kind"]> = Extract<JournalEntry, { readonly kind: Kind }>;
export type RecordOf<Kind extends JournalEntry["kind"]> = Omit<JournalRecord, "entry"> & { readonly entry: Entry<Kind> };

/** In the journal's order. */
export function recordsOf<Kind extends JournalEntry["kind"]>(records: readonly JournalRecord[], kind: Kind): readonly RecordOf<Kind>[] {
  return records.filter((record): record is RecordOf<Kind> => record.entry.kind === kind);
}
