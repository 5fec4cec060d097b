// Run ids: the one place that says what a run id is (decision 11).
import { CutterError } from "./errors.ts";

/** Of a run id as people choose it, without the suffix. */
export const runIdCharactersMax = 48;
const shape = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{2,${String(runIdCharactersMax - 1)}}$`);
export const dryRunSuffix = ".dryrun";

/** A checked run id. May carry the kit's own suffix `.dryrun`; the part before it obeys the contract. */
export type RunId = string & { readonly __brand: "RunId" };

/**
 * @throws RUN_ID_INVALID for anything else than the contract's shape. Pure: may be called before any path is built.
 * `allowDryRunSuffix` is for the kit's own callers; people may not choose the suffix.
 */
export function parseRunId(text: string, options: { readonly allowDryRunSuffix: boolean }): RunId {
  const base = options.allowDryRunSuffix && text.endsWith(dryRunSuffix) ? text.slice(0, -dryRunSuffix.length) : text;
  const legal = shape.test(base) && !base.includes("..") && !base.includes("__") && !base.toLowerCase().endsWith(dryRunSuffix);
  if (!legal) throw new CutterError("RUN_ID_INVALID", { run_id: text.slice(0, 80) });
  return text as RunId;
}

/** The dry run that belongs to a run id: `R.dryrun`. */
export function toDryRunId(runId: RunId): RunId {
  return parseRunId(`${runId}${dryRunSuffix}`, { allowDryRunSuffix: true });
}
