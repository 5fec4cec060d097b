// Checkpoints: the only places where a run stops of its own accord. Tests stop it at each by name.
import { CutterError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";

/** In the order a phase meets them. */
export const checkpointNames = ["before_phase", "intent_recorded", "observed", "output_written", "done_recorded", "uploaded", "receipt_recorded"] as const;
export type CheckpointName = (typeof checkpointNames)[number];

export interface Checkpoints {
  /** @throws RUN_HARD_CAP_REACHED, RUN_INTERRUPTED */
  pass(name: CheckpointName, phase: string): void;
  /** Milliseconds until the hard cap; 0 when it is reached. */
  leftMs(): number;
}

export function startCheckpoints(options: {
  readonly clock: Clock;
  readonly hardCapMinutes: number;
  readonly signal: AbortSignal;
  readonly onCheckpoint?: (name: CheckpointName, phase: string) => void;
}): Checkpoints {
  const startedMs = options.clock.monotonicMs();
  const capMs = options.hardCapMinutes * 60_000;
  const leftMs = (): number => Math.max(0, capMs - (options.clock.monotonicMs() - startedMs));
  return {
    leftMs,
    pass: (name, phase) => {
      options.onCheckpoint?.(name, phase);
      if (options.signal.aborted) throw new CutterError("RUN_INTERRUPTED", { phase, checkpoint: name });
      if (leftMs() === 0) throw new CutterError("RUN_HARD_CAP_REACHED", { phase, checkpoint: name, cap_minutes: options.hardCapMinutes });
    },
  };
}
