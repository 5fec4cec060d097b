// What a phase's gate says: open, or closed with every reason. In a dry run the reasons are recorded as would_refuse.
import type { Code } from "../codes/index.ts";
import type { Facts } from "../errors.ts";
import type { RecordedRefusal } from "../journal/record.ts";

/** A reason that stops a live run. */
export interface Refusal {
  readonly code: Code;
  readonly facts: Facts;
}

export type Verdict = { readonly state: "open" } | { readonly state: "closed"; readonly refusals: readonly [Refusal, ...Refusal[]] };

/** A reason, or nothing when `holds` is false: gates are lists of these. */
export function refuseIf(holds: boolean, code: Code, facts: Facts = {}): readonly Refusal[] {
  return holds ? [{ code, facts }] : [];
}

/** Open when there is no reason. */
export function toVerdict(...reasons: readonly (readonly Refusal[])[]): Verdict {
  const [first, ...rest] = reasons.flat();
  return first === undefined ? { state: "open" } : { state: "closed", refusals: [first, ...rest] };
}

export function toRefusals(verdict: Verdict): readonly Refusal[] {
  return verdict.state === "open" ? [] : verdict.refusals;
}

/** As the journal keeps it. */
export function toRecordedRefusal(refusal: Refusal): RecordedRefusal {
  const facts = Object.fromEntries(Object.entries(refusal.facts).map(([name, value]) => [name, toRecordedFact(value)]));
  return { code: refusal.code, facts };
}

function toRecordedFact(value: Facts[string]): RecordedRefusal["facts"][string] {
  return typeof value === "object" && value !== null ? [...value] : value;
}
