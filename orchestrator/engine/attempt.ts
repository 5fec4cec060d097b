// What a run is, and what one start of it holds.
import type { RunInputs } from "../core/journal-record.ts";
import type { DecisionStep } from "../phases/decisions.ts";
import type { Phase } from "../phases/define.ts";
import type { RunFacts } from "../ports/run-ports.ts";
import type { CheckpointName, Checkpoints } from "./checkpoint.ts";
import type { Journal } from "./journal-writer.ts";
import type { EnginePorts } from "./ports.ts";
import type { RunFolder } from "./run-folder.ts";

export interface Run {
  readonly facts: RunFacts;
  readonly inputs: RunInputs;
  readonly requestText: string; // kept in the run folder
  readonly phases: readonly Phase[];
  readonly decisions: readonly DecisionStep[];
  readonly signal: AbortSignal;
  readonly onCheckpoint?: (name: CheckpointName, phase: string) => void; // tests stop the run here
}

/** One start of a run, with everything it holds. */
export interface Attempt {
  readonly run: Run;
  readonly ports: EnginePorts;
  readonly folder: RunFolder;
  readonly journal: Journal;
  readonly checkpoints: Checkpoints;
  readonly outputs: Map<string, unknown>;
}
