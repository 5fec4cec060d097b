// What a phase came to, in a dry run and in a live one.
import type { RecordedRefusal } from "../../core/journal/record.ts";
import type { PhaseResult } from "../../phases/define.ts";

/** `refusals` are the reasons that would stop a live run; in a live run those the ruling put up with. */
export interface PhaseOutcome {
  readonly result: PhaseResult;
  readonly refusals: readonly RecordedRefusal[];
}
