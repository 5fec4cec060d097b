// The account of a run: what its journal and its outputs say, gathered into one value that reports are made of. Nothing is looked up,
// nothing is judged anew. Pure.
import { toFiringLine } from "./firing.ts";
import { z } from "zod";
import { parseApproval } from "../approval/parse.ts";
import { sha256Hex } from "../encoding/digest.ts";
import { CutterError } from "../errors.ts";
import { type JournalRecord, type RecordOf, type RecordedRefusal, type RunInputs, recordsOf } from "../journal/record.ts";
import type { DonePhase, RunStatus } from "../journal/status.ts";
import type { PhaseName } from "../phase-names.ts";

export interface AccountParts {
  readonly runId: string;
  readonly records: readonly JournalRecord[];
  readonly status: RunStatus;
  readonly outputs: ReadonlyMap<PhaseName, unknown>;
  readonly texts: readonly RecordedPhaseText[];
  /** The approvals beside the run, as they lie there: only one whose digest the journal recorded is read. */
  readonly approvalDocuments: readonly Uint8Array[];
}

/** What a phase says of itself. */
export interface RecordedPhaseText {
  readonly phase: PhaseName;
  readonly text: {
    readonly summary: string;
    readonly facts: readonly (readonly [name: string, value: string | number | boolean | null])[];
  };
}

interface AccountedPhase {
  readonly number: number;
  readonly name: PhaseName;
  readonly startedAt: string | null; // of the start that did it; ISO 8601 UTC
  readonly durationMs: number;
  readonly text: RecordedPhaseText["text"] | null;
  readonly receipt: { readonly documentId: string; readonly revision: number; readonly sha256: string } | null;
  readonly refusals: readonly RecordedRefusal[];
}

export interface RunAccount {
  readonly runId: string;
  readonly mode: "dryrun" | "live" | null; // null: not begun
  readonly documentId: string | null;
  readonly inputs: RunInputs | null;
  readonly begunAt: string | null;
  readonly lastAt: string | null; // of the last record
  readonly finished: boolean;
  readonly attempts: number;
  readonly killedAttempts: number;
  readonly lastCode: string | null; // how the last start ended, when the run is not done
  readonly source: { readonly revision: number; readonly bytes: number; readonly sha256: string; readonly docCode: string } | null;
  readonly releaseVersion: string | null;
  readonly plan: {
    readonly payloadSha: string;
    readonly fromDigest: string;
    readonly units: readonly { readonly ordinal: number; readonly address: string; readonly kind: string; readonly title: string }[];
  } | null;
  readonly approvals: readonly RecordOf<"approval_verified">[];
  /** Why the document can bear it, in the words of the last ruling used; null: no ruling, or its document is not beside the run. */
  readonly whyHarmless: string | null;
  readonly effects: readonly {
    readonly step: string;
    readonly intendedAt: string | null;
    readonly transactions: readonly string[];
    readonly doneAt: string | null;
    readonly found: "committed" | "already_there" | null;
  }[];
  readonly escalations: readonly RecordOf<"escalated">[];
  readonly decisions: readonly RecordOf<"escalation_decided">[];
  readonly voidedWhy: string | null;
  readonly phases: readonly AccountedPhase[];
  readonly certificate: "pass" | "inconclusive" | "fail" | null;
  readonly certificateReasons: readonly string[];
  readonly notCovered: readonly string[];
  readonly firing: readonly string[]; // what fires beside a write, a line each; a dry run's certificate says it too
  readonly tables: readonly AccountedTable[];
  readonly backup: AccountedBackup | null;
  readonly killSwitchAtCloseout: string | null;
}

export interface AccountedTable {
  readonly table: string;
  readonly rowsBefore: number;
  readonly rowsAfter: number | null; // null: not counted yet
  readonly sha256Before: string;
  readonly sha256After: string | null;
  readonly expectedGrowth: number | null; // rows this run was to add; null where nobody said
}

interface AccountedBackup {
  readonly recipientFingerprint: string;
  readonly file: string | null; // null: kept nowhere
  readonly sha256: string | null;
  readonly bytes: number | null;
  readonly recipientKeyIds: readonly string[];
  readonly archiveEntries: number | null;
  readonly restoredInto: string | null;
}

const pinned = z.looseObject({
  revision: z.int(),
  bytes: z.int(),
  sha256: z.string(),
  registry: z.looseObject({ docCode: z.string() }),
  release: z.looseObject({ version: z.string() }),
  firing: z
    .array(
      z.looseObject({ on: z.string(), kind: z.string(), name: z.string(), when: z.string(), runs: z.string().nullable().default(null) }),
    )
    .default([]),
});
const planned = z.looseObject({
  payloadSha: z.string(),
  plan: z.looseObject({
    fromDigest: z.string(),
    units: z.array(z.looseObject({ ordinal: z.int(), address: z.string(), kind: z.string(), title: z.string().default("") })),
  }),
});
const countedTable = z.looseObject({
  table: z.string(),
  rowsBefore: z.int(),
  rowsAfter: z.int(),
  sha256Before: z.string(),
  sha256After: z.string(),
});
const closed = z.looseObject({
  killSwitch: z.string().nullable().default(null),
  certificate: z
    .looseObject({
      verdict: z.enum(["pass", "inconclusive", "fail"]),
      reasons: z.array(z.string()),
      notCovered: z.array(z.string()).default([]),
      tables: z.array(countedTable),
    })
    .nullable()
    .default(null),
  tables: z.array(countedTable).nullable().default(null),
  growth: z.array(z.looseObject({ table: z.string(), expected: z.int() })).default([]),
});
const proven = z.looseObject({
  file: z.string(),
  ciphertextSha256: z.string(),
  ciphertextBytes: z.int(),
  recipientKeyIds: z.array(z.string()),
  archiveEntries: z.int(),
  restored: z.looseObject({ database: z.string() }).nullable().default(null),
});
const backedUp = z.looseObject({
  recipientFingerprint: z.string(),
  measured: z
    .looseObject({ ciphertextBytes: z.int(), recipientKeyIds: z.array(z.string()) })
    .nullable()
    .default(null),
  proven: proven.nullable().default(null),
});

/** Outputs are read loosely: a report of an older run says what can be said of it. */
export function toAccount(parts: AccountParts): RunAccount {
  const { status, records, outputs } = parts;
  const pin = read(pinned, outputs.get("source_pin"));
  const plan = read(planned, outputs.get("cutplan"));
  const close = read(closed, outputs.get("closeout"));
  const voided = recordsOf(records, "run_voided").at(-1) ?? null;
  return {
    runId: parts.runId,
    mode: status.started?.mode ?? null,
    documentId: status.started?.document_id ?? null,
    inputs: status.started?.inputs ?? null,
    begunAt: status.started?.at ?? null,
    lastAt: records.at(-1)?.at ?? null,
    finished: status.finished !== null,
    attempts: status.attempt,
    killedAttempts: status.killedAttempts,
    lastCode: status.finished !== null ? null : (status.lastEnd?.code ?? null),
    source: pin === null ? null : { revision: pin.revision, bytes: pin.bytes, sha256: pin.sha256, docCode: pin.registry.docCode },
    releaseVersion: pin?.release.version ?? null,
    plan: plan === null ? null : { payloadSha: plan.payloadSha, fromDigest: plan.plan.fromDigest, units: plan.plan.units },
    approvals: recordsOf(records, "approval_verified"),
    whyHarmless: toWhyHarmless(records, parts.approvalDocuments),
    effects: toEffects(records),
    escalations: recordsOf(records, "escalated"),
    decisions: recordsOf(records, "escalation_decided"),
    voidedWhy: voided?.entry.why ?? null,
    phases: status.done.map((done) => toPhase(parts, done)),
    certificate: close?.certificate?.verdict ?? null,
    certificateReasons: close?.certificate?.reasons ?? [],
    notCovered: close?.certificate?.notCovered ?? [],
    firing: (pin?.firing ?? []).map(toFiringLine),
    tables:
      (close?.tables ?? close?.certificate?.tables ?? null)?.map((counted) => ({
        ...counted,
        expectedGrowth: close?.growth.find(({ table }) => table === counted.table)?.expected ?? null,
      })) ?? toUncounted(status),
    backup: toBackup(outputs.get("pre_write_backup")),
    killSwitchAtCloseout: close?.killSwitch ?? null,
  };
}

function toPhase({ records, texts }: AccountParts, done: DonePhase): AccountedPhase {
  return {
    number: done.number,
    name: done.phase,
    startedAt: toPhaseStartedAt(records, done.phase, done.seq),
    durationMs: done.durationMs,
    receipt: done.receipt,
    refusals: done.wouldRefuse,
    text: texts.find(({ phase }) => phase === done.phase)?.text ?? null,
  };
}

function toWhyHarmless(records: readonly JournalRecord[], documents: readonly Uint8Array[]): string | null {
  const used = recordsOf(records, "approval_verified").findLast(({ entry }) => entry.gate === "RULING");
  const document = documents.find((bytes) => used !== undefined && sha256Hex(bytes) === used.entry.document_sha256);
  if (document === undefined) return null;
  try {
    const approval = parseApproval(document);
    return approval.gate === "RULING" ? approval.why_harmless : null;
  } catch (error) {
    if (error instanceof CutterError) return null; // the audit tells of it
    throw error;
  }
}

function read<T>(schema: z.ZodType<T>, output: unknown): T | null {
  const parsed = schema.safeParse(output);
  return parsed.success ? parsed.data : null;
}

/** A run that has not closed has only what was counted first. */
function toUncounted(status: RunStatus): readonly AccountedTable[] {
  return (status.before?.tables ?? []).map(({ table, rowCount, sha256 }) => ({
    table,
    rowsBefore: rowCount,
    rowsAfter: null,
    sha256Before: sha256,
    sha256After: null,
    expectedGrowth: null,
  }));
}

function toPhaseStartedAt(records: readonly JournalRecord[], phase: PhaseName, doneSeq: number): string | null {
  return records.findLast(({ seq, entry }) => seq < doneSeq && entry.kind === "phase_started" && entry.phase === phase)?.at ?? null;
}

function toEffects(records: readonly JournalRecord[]): RunAccount["effects"] {
  const intended = recordsOf(records, "effect_intended");
  const done = recordsOf(records, "effect_done");
  const transactions = recordsOf(records, "transaction");
  return [...new Set([...intended, ...done].map(({ entry }) => entry.step))].map((step) => {
    const end = done.findLast(({ entry }) => entry.step === step);
    return {
      step,
      intendedAt: intended.find(({ entry }) => entry.step === step)?.at ?? null,
      transactions: transactions.filter(({ entry }) => entry.step === step).map(({ entry }) => entry.id),
      doneAt: end?.at ?? null,
      found: end?.entry.found ?? null,
    };
  });
}

function toBackup(output: unknown): AccountedBackup | null {
  const backup = read(backedUp, output);
  if (backup === null) return null;
  const { proven: kept, measured } = backup;
  return {
    recipientFingerprint: backup.recipientFingerprint,
    file: kept?.file ?? null,
    sha256: kept?.ciphertextSha256 ?? null,
    bytes: kept?.ciphertextBytes ?? measured?.ciphertextBytes ?? null,
    recipientKeyIds: kept?.recipientKeyIds ?? measured?.recipientKeyIds ?? [],
    archiveEntries: kept?.archiveEntries ?? null,
    restoredInto: kept?.restored?.database ?? null,
  };
}
