// What a run is, what one start of it holds, and which error a start is said to have ended with.
import type { VerifiedApproval } from "../../core/approval/verify.ts";
import { CutterError } from "../../core/errors.ts";
import { toNamedDiskError } from "../../core/host/disk-error.ts";
import type { VerifiedEntry } from "../../core/journal/live.ts";
import type { RecordedRefusal, RunInputs } from "../../core/journal/record.ts";
import type { DecisionStep } from "../../phases/decisions.ts";
import type { Phase, PhaseResult } from "../../phases/define.ts";
import type { LiveToken } from "../../ports/live-token.ts";
import type { SessionLock } from "../../ports/recorders.ts";
import type { RunFacts } from "../../ports/run-ports.ts";
import type { BoundaryName, CheckpointName, Checkpoints } from "./checkpoint.ts";
import type { Journal } from "./journal-writer.ts";
import type { EnginePorts } from "./ports.ts";
import type { RunFolder } from "./run-folder.ts";
import type { PhaseName } from "../../core/phase-names.ts";

export interface Run {
  readonly facts: RunFacts;
  readonly inputs: RunInputs;
  readonly requestText: string; // kept in the run folder
  readonly phases: readonly Phase[];
  readonly decisions: readonly DecisionStep[];
  readonly signal: AbortSignal;
  readonly onCheckpoint?: (name: CheckpointName | BoundaryName, phase: string) => void; // tests stop the run here
}

/** One start of a run, with everything it holds. */
export interface Attempt {
  readonly run: Run;
  readonly ports: EnginePorts;
  readonly folder: RunFolder;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly outputs: Map<PhaseName, unknown>;
  readonly live: LiveContext | null; // null in a dry run
}

/** What a start of a live run holds besides, from its beginning to its end. */
export interface LiveContext {
  readonly token: LiveToken;
  readonly ruling: VerifiedApproval;
  readonly document: SessionLock; // PostgreSQL's session lock
  readonly approvals: Map<VerifiedEntry["gate"], VerifiedApproval>; // judged in this start
}

export function requireLiveContext({ live }: Attempt): LiveContext {
  if (live === null) throw new Error("not a live run");
  return live;
}

/**
 * The one error a start ended with. Told to stop, a call under way fails as an outage or as an aborted wait: that is the interruption,
 * wherever it was met. What else went wrong keeps its own code, stop or no stop. Pure.
 */
export function toEndError(error: unknown, signal: AbortSignal, phase: string | null): CutterError {
  if (signal.aborted && isInterruption(error))
    return new CutterError("RUN_INTERRUPTED", { phase, during: error instanceof CutterError ? error.code : "wait" }, { cause: error });
  return toKnownError(error);
}

/** A disk that no adapter named is still no bug of ours. Pure. */
function toKnownError(error: unknown): CutterError {
  const known = toNamedDiskError(error);
  return known instanceof CutterError
    ? known
    : new CutterError("INTERNAL_BUG", { bug: error instanceof Error ? error.name : "unknown" }, { cause: error });
}

/**
 * An end that could not be recorded: the first cause stays the one that is told, and the failure to record it becomes a fact of it. Pure.
 */
export function toUnrecordedError(end: CutterError | null, failure: unknown): CutterError {
  const unrecorded = toKnownError(failure);
  if (end === null) return unrecorded;
  if (end.code === unrecorded.code) return end;
  return new CutterError(
    end.code,
    {
      ...end.facts,
      not_recorded: unrecorded.code,
      ...("reason" in unrecorded.facts ? { not_recorded_reason: unrecorded.facts["reason"] ?? null } : {}),
    },
    { cause: end },
  );
}

function isInterruption(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === "AbortError" || (cause instanceof CutterError && cause.code === "KB_UNAVAILABLE")) return true;
  }
  return false;
}

/** `refusals` are the reasons that would stop a live run; in a live run those the ruling put up with. */
export interface PhaseOutcome {
  readonly result: PhaseResult;
  readonly refusals: readonly RecordedRefusal[];
}
