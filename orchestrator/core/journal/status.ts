// Where a run stands, told from its journal by one pure function that refuses what cannot follow.
import { isWriteStep } from "./effect.ts";
import { CutterError } from "../errors.ts";
import { isLiveEntry, mayContinue, newEffects, nextLive, type LiveStatus } from "./live.ts";
import type { JournalEntry, JournalRecord, RecordedRefusal } from "./record.ts";
import type { PhaseName } from "../phase-names.ts";

/** A phase that is done: what it left and, once its internal gate passed, the receipt. */
export interface DonePhase {
  readonly phase: PhaseName;
  readonly number: number; // 1-based
  readonly outputSha256: string;
  readonly wouldRefuse: readonly RecordedRefusal[];
  readonly durationMs: number;
  readonly seq: number; // of its phase_done record
  readonly receipt: { readonly documentId: string; readonly revision: number; readonly sha256: string } | null;
}

export type Census = Extract<JournalEntry, { kind: "census_before" }>;
export type Connections = Extract<JournalEntry, { kind: "attempt_ended" }>["connections"];
export type DecisionRehearsed = Extract<JournalEntry, { kind: "decision_rehearsed" }>;
type RunStarted = Extract<JournalEntry, { kind: "run_started" }>;
type AttemptEnded = Extract<JournalEntry, { kind: "attempt_ended" }>;

export interface RunStatus extends LiveStatus {
  readonly started: (RunStarted & { readonly at: string }) | null;
  readonly attempt: number; // 0 before the first start
  readonly attemptOpen: boolean; // the last start left no end: it is going on, or it was killed
  readonly before: Census | null;
  readonly current: PhaseName | null; // phase whose intent stands and that is not done
  readonly done: readonly DonePhase[];
  readonly decisions: readonly DecisionRehearsed[];
  readonly connections: Connections; // of all ended starts
  readonly killedAttempts: number; // starts that ended without a word: their connections are unknown
  readonly lastEnd: (AttemptEnded & { readonly at: string }) | null;
  readonly indexWritten: boolean;
  readonly finished: Extract<JournalEntry, { kind: "run_finished" }> | null;
}

export const newRun: RunStatus = {
  started: null,
  attempt: 0,
  attemptOpen: false,
  before: null,
  current: null,
  done: [],
  decisions: [],
  connections: [],
  killedAttempts: 0,
  lastEnd: null,
  indexWritten: false,
  finished: null,
  effects: newEffects,
  decided: {},
  escalation: null,
  escalationsDecided: [],
  voided: null,
};

/** Replays a whole journal. @throws JOURNAL_DAMAGED */
export function toStatus(records: readonly JournalRecord[]): RunStatus {
  return records.reduce(nextStatus, newRun);
}

/**
 * The status after one more record. Pure; the only judge of what may follow what.
 * @throws JOURNAL_DAMAGED for a record that cannot follow.
 */
export function nextStatus(status: RunStatus, record: JournalRecord): RunStatus {
  const { entry } = record;
  const require = (holds: boolean): void => {
    if (!holds) throw new CutterError("JOURNAL_DAMAGED", { reason: "illegal_record", seq: record.seq, record: entry.kind });
  };
  const last = status.done.at(-1);
  require(isInOrder(status, record));
  // The end of an attempt may follow the end of the run; nothing else may.
  require(status.finished === null || entry.kind === "attempt_ended");
  if (entry.kind !== "run_started" && entry.kind !== "attempt_started" && entry.kind !== "run_voided") require(status.attemptOpen);
  const live = status.started?.mode === "live";
  if (isLiveEntry(entry)) return { ...status, ...nextLive({ ...status, live }, entry, record.at, require) };
  if (entry.kind !== "run_started" && entry.kind !== "attempt_started" && entry.kind !== "attempt_ended") require(mayContinue(status));
  switch (entry.kind) {
    case "run_started":
      return { ...status, started: { ...entry, at: record.at } };
    case "attempt_started":
      require(entry.attempt === status.attempt + 1 && status.voided === null);
      return { ...status, attempt: entry.attempt, attemptOpen: true, killedAttempts: status.killedAttempts + (status.attemptOpen ? 1 : 0) };
    case "census_before":
      require(status.before === null && status.done.length === 0 && status.current === null);
      return { ...status, before: entry };
    case "phase_started":
      // A phase that was interrupted is begun again: a dry run writes nothing, and what a live one left is found by its effects' layers.
      require(status.before !== null && entry.number === status.done.length + 1 && (last === undefined || last.receipt !== null));
      require(status.current === null || status.current === entry.phase);
      return { ...status, current: entry.phase };
    case "decision_rehearsed":
      require(status.current === entry.phase && !live);
      return { ...status, decisions: [...status.decisions.filter((decision) => decision.gate !== entry.gate), entry] };
    case "phase_done":
      require(status.current === entry.phase && entry.number === status.done.length + 1);
      require(!live || !isWriteStep(entry.phase) || status.effects[entry.phase].state === "done");
      return {
        ...status,
        current: null,
        done: [
          ...status.done,
          {
            phase: entry.phase,
            number: entry.number,
            outputSha256: entry.output_sha256,
            wouldRefuse: entry.would_refuse,
            durationMs: entry.duration_ms,
            seq: record.seq,
            receipt: null,
          },
        ],
      };
    case "receipt": {
      require(last !== undefined && last.phase === entry.phase && last.receipt === null && status.current === null);
      const receipt = { documentId: entry.document_id, revision: entry.revision, sha256: entry.sha256 };
      return { ...status, done: status.done.map((phase) => (phase.phase === entry.phase ? { ...phase, receipt } : phase)) };
    }
    case "index_written":
      require(last?.receipt !== undefined && last.receipt !== null && status.current === null);
      return { ...status, indexWritten: true };
    case "run_finished":
      require(status.indexWritten && status.current === null && (entry.certificate === null) === live);
      return { ...status, finished: entry };
    case "attempt_ended":
      require(entry.attempt === status.attempt && status.attemptOpen);
      return {
        ...status,
        attemptOpen: false,
        connections: [...status.connections, ...entry.connections],
        lastEnd: { ...entry, at: record.at },
      };
  }
}

/** A journal begins once, and a tail is cut back where that may be. */
function isInOrder(status: RunStatus, { entry, cut }: JournalRecord): boolean {
  return (entry.kind === "run_started") === (status.started === null) && (cut === undefined || mayFollowCut(status, entry.kind));
}

/** A tail is cut back by a start alone, before anything else it says; for a run that is done or given up there is only its end to say. */
function mayFollowCut(status: RunStatus, kind: JournalEntry["kind"]): boolean {
  if (kind === "attempt_ended") return status.finished !== null || status.voided !== null;
  return kind === "run_started" || kind === "attempt_started" || kind === "run_voided";
}
