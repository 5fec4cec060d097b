// Exactly once: what the journal, the unique keys and the recorder say of one step, and what follows from it (decision 14). Pure.
import type { Layer, Layers } from "../journal/effect.ts";
import { CutterError } from "../errors.ts";
import type { EffectStatus } from "../journal/live.ts";

export type JournalLayer = Pick<EffectStatus, "state" | "sha256">;

/**
 * `do`: nothing landed. `no_op`: all three say it is done. `taken_as_done`: the crash window, intended in the journal and done in the
 * database with the very digest that was intended; that is said wherever the run is told. `conflict`: everything else, and a person must
 * decide.
 */
export type ReplayAction = "do" | "no_op" | "taken_as_done" | "conflict";

export interface ThreeLayers extends Layers {
  readonly journal: JournalLayer;
  readonly expectedSha256: string;
}

export function toReplayAction({ journal, unique, recorder, expectedSha256 }: ThreeLayers): ReplayAction {
  if (unique.state === "none" && recorder.state === "none") return journal.state === "done" ? "conflict" : "do";
  if (!isThere(unique, expectedSha256) || !isThere(recorder, expectedSha256) || journal.sha256 !== expectedSha256) return "conflict";
  return journal.state === "done" ? "no_op" : journal.state === "intended" ? "taken_as_done" : "conflict";
}

/** The stop of a conflict, with all three values. Pure. */
export function toConflict(step: string, layers: ThreeLayers, more: Readonly<Record<string, string>> = {}): CutterError {
  const { journal, unique, recorder, expectedSha256 } = layers;
  return new CutterError("STOP_REPLAY_CONFLICT", {
    step,
    journal: journal.state === "none" ? "none" : `${journal.state}(${journal.sha256 ?? "no digest"})`,
    unique: toText(unique),
    recorder: toText(recorder),
    expected_sha256: expectedSha256,
    ...more,
  });
}

function isThere(layer: Layer, expectedSha256: string): boolean {
  return layer.state === "there" && layer.sha256 === expectedSha256;
}

function toText(layer: Layer): string {
  if (layer.state === "there") return `there(${layer.sha256})`;
  return layer.state === "none" ? "none" : `partial(${String(layer.found)} of ${String(layer.expected)})`;
}
