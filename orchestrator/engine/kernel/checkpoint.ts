// Checkpoints: the only places where a run stops of its own accord, and the boundaries of an effect, where it never does. Tests stop it at
// each by name.
import { CutterError } from "../../core/errors.ts";
import type { Clock } from "../../ports/clock.ts";

/** In the order a phase meets them. */
export const checkpointNames = [
  "before_phase",
  "intent_recorded",
  "observed",
  "output_written",
  "done_recorded",
  "uploaded",
  "receipt_recorded",
] as const;
export type CheckpointName = (typeof checkpointNames)[number];

/** Between an effect's intent and its record a live run goes on to the end: to stop here is to crash, and only tests do. */
const boundaryNames = [
  "effect_intended",
  "permission_made",
  "transaction_recorded",
  "commit_judged",
  "effect_applied",
  "effect_recorded",
] as const;
export type BoundaryName = (typeof boundaryNames)[number];

export interface Checkpoints {
  /** @throws RUN_HARD_CAP_REACHED, RUN_INTERRUPTED */
  pass(name: CheckpointName, phase: string): void;
  /** Never stops the run. */
  passBoundary(name: BoundaryName, step: string): void;
  /** Milliseconds until the hard cap; 0 when it is reached. */
  remainingMs(): number;
}

export function startCheckpoints(options: {
  readonly clock: Clock;
  readonly hardCapMinutes: number;
  readonly signal: AbortSignal;
  readonly onCheckpoint?: (name: CheckpointName | BoundaryName, phase: string) => void;
}): Checkpoints {
  const startedMs = options.clock.monotonicMs();
  const capMs = options.hardCapMinutes * 60_000;
  const remainingMs = (): number => Math.max(0, capMs - (options.clock.monotonicMs() - startedMs));
  return {
    remainingMs,
    passBoundary: (name, step) => options.onCheckpoint?.(name, step),
    pass: (name, phase) => {
      options.onCheckpoint?.(name, phase);
      if (options.signal.aborted) throw new CutterError("RUN_INTERRUPTED", { phase, checkpoint: name });
      if (remainingMs() === 0)
        throw new CutterError("RUN_HARD_CAP_REACHED", { phase, checkpoint: name, cap_minutes: options.hardCapMinutes });
    },
  };
}
