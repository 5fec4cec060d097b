// What a live run has done to the world, told from its journal: effects, approvals, escalations. The other half of the state machine in
// journal.ts.
import { effectSteps, writeSteps, type WriteStep } from "./effect.ts";
import type { JournalEntry } from "./record.ts";
import { phaseOfGate, type PhaseName } from "../phase-names.ts";

type EntryOf<Kind extends JournalEntry["kind"]> = Extract<JournalEntry, { kind: Kind }>;
export type VerifiedEntry = EntryOf<"approval_verified">;

/** One step, as far as the journal knows. `intended`: it may have landed or not, and only the database can tell. */
export interface EffectStatus {
  readonly state: "none" | "intended" | "done";
  readonly sha256: string | null; // of the effect as intended, or as found done; null for a file not yet made
  readonly transactions: readonly string[]; // ids made durable before their COMMIT, oldest first
  readonly pending: boolean; // the last of them neither came back as committed nor was rolled back
  readonly found: "committed" | "already_there" | null; // how it was known to be done
}

interface Escalation {
  readonly phase: PhaseName;
  readonly code: string;
  readonly facts: EntryOf<"escalated">["facts"];
  readonly at: string;
  readonly decision: EntryOf<"escalation_decided"> | null; // null: it waits for the sovereign
}

/** The live half of a run's status. */
export interface LiveStatus {
  readonly effects: Readonly<Record<WriteStep, EffectStatus>>;
  readonly decided: Readonly<Partial<Record<VerifiedEntry["gate"], VerifiedEntry>>>; // the newest of each gate
  readonly escalation: Escalation | null; // the newest
  readonly escalationsDecided: readonly string[]; // review_decision_ids of every SG_3 used by this run
  readonly voided: { readonly why: string; readonly at: string } | null;
}

const noEffect: EffectStatus = { state: "none", sha256: null, transactions: [], pending: false, found: null };
export const newEffects = Object.fromEntries(writeSteps.map((step) => [step, noEffect])) as Readonly<Record<WriteStep, EffectStatus>>;

type LiveEntry = EntryOf<
  | "approval_verified"
  | "effect_intended"
  | "transaction"
  | "effect_rolled_back"
  | "effect_done"
  | "escalated"
  | "escalation_decided"
  | "run_voided"
>;
const liveKinds: readonly JournalEntry["kind"][] = [
  "approval_verified",
  "effect_intended",
  "transaction",
  "effect_rolled_back",
  "effect_done",
  "escalated",
  "escalation_decided",
  "run_voided",
];

export function isLiveEntry(entry: JournalEntry): entry is LiveEntry {
  return liveKinds.includes(entry.kind);
}

/** False while a failure waits for the sovereign, and for good once the run is given up. */
export function mayContinue(status: Pick<LiveStatus, "escalation" | "voided">): boolean {
  return status.voided === null && (status.escalation === null || status.escalation.decision?.decision === "resume");
}

/** Something of this run stands in the database, or may stand there. From here on no stop is "nothing written". */
export function hasWritten(status: Pick<LiveStatus, "effects">): boolean {
  return effectSteps.some(
    (step) => status.effects[step].state === "done" || (status.effects[step].state === "intended" && status.effects[step].pending),
  );
}

interface Before extends LiveStatus {
  readonly live: boolean;
  readonly current: PhaseName | null;
}

/** The live status after one more live entry. Pure; `require` refuses what cannot follow. */
export function nextLive(before: Before, entry: LiveEntry, at: string, require: (holds: boolean) => void): LiveStatus {
  const { effects, decided, escalation, escalationsDecided, voided } = before;
  const status: LiveStatus = { effects, decided, escalation, escalationsDecided, voided };
  require(voided === null && (before.live || entry.kind === "run_voided"));
  switch (entry.kind) {
    case "approval_verified": {
      // A row that stands names one approval: another cannot take its place afterwards.
      const rowExists = entry.gate === "SG_1" || entry.gate === "SG_2" ? effects[entry.gate].state === "done" : false;
      require(!rowExists || decided[entry.gate]?.document_sha256 === entry.document_sha256);
      return { ...status, decided: { ...decided, [entry.gate]: entry } };
    }
    case "effect_intended":
      require(mayIntend(before, entry.step));
      return withEffect(status, entry.step, { state: "intended", sha256: entry.effect_sha256, pending: false, found: null });
    case "transaction":
      require(effects[entry.step].state === "intended" && !effects[entry.step].pending);
      return withEffect(status, entry.step, { transactions: [...effects[entry.step].transactions, entry.id], pending: true });
    case "effect_rolled_back":
      require(effects[entry.step].state === "intended");
      return withEffect(status, entry.step, { pending: false });
    case "effect_done":
      require(effects[entry.step].state === "intended");
      require(effects[entry.step].sha256 === null || effects[entry.step].sha256 === entry.effect_sha256);
      return withEffect(status, entry.step, { state: "done", sha256: entry.effect_sha256, pending: false, found: entry.found });
    case "escalated":
      require(mayContinue(before));
      return { ...status, escalation: { phase: entry.phase, code: entry.code, facts: entry.facts, at, decision: null } };
    case "escalation_decided":
      if (escalation === null) return refuse(require, status);
      // A void that was decided and not yet recorded may grow too old: a fresher void takes its place, nothing else does.
      require(
        escalation.decision === null ||
          (escalation.decision.decision === "void" && entry.decision === "void" && effects.SG_3.state !== "done" && !effects.SG_3.pending),
      );
      require(!escalationsDecided.includes(entry.review_decision_id));
      require(decided.SG_3?.document_sha256 === entry.approval_sha256 && decided.SG_3.review_decision_id === entry.review_decision_id);
      return {
        ...status,
        escalation: { ...escalation, decision: entry },
        escalationsDecided: [...escalationsDecided, entry.review_decision_id],
      };
    case "run_voided":
      return { ...status, voided: { why: entry.why, at } };
  }
}

/** In their order, each in its phase, none twice; a file may be made again as long as its phase is not done. */
function mayIntend(before: Before, step: WriteStep): boolean {
  const { effects, decided, escalation, current } = before;
  if (step === "SG_3") return escalation?.decision?.decision === "void" && effects.SG_3.state !== "done";
  if (!mayContinue(before)) return false;
  if (step === "pre_write_backup") return current === step;
  const earlier = effectSteps.slice(0, effectSteps.indexOf(step)).every((other) => effects[other].state === "done");
  if (!earlier || effects[step].state === "done" || effects[step].pending) return false;
  return step === "SG_1" || step === "SG_2" ? current === phaseOfGate[step] && decided[step] !== undefined : current === step;
}

function withEffect(status: LiveStatus, step: WriteStep, change: Partial<EffectStatus>): LiveStatus {
  return { ...status, effects: { ...status.effects, [step]: { ...status.effects[step], ...change } } };
}

function refuse(require: (holds: boolean) => void, status: LiveStatus): LiveStatus {
  require(false);
  return status;
}
