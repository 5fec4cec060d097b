// What a ruling can accept by name: a reason that stops a live run, and that people may knowingly put up with (decision 31). Pure.

/** A principal with more rights than needed. Nothing else is acceptable: a name that is not here accepts nothing. */
const acceptableCodes = ["PRINCIPAL_TOO_STRONG"] as const;

/** The reasons that remain when a ruling's `accepts` is heard. */
export function toUnaccepted(reasons: readonly string[], accepts: readonly string[]): readonly string[] {
  const acceptable: readonly string[] = acceptableCodes;
  return [...new Set(reasons)].filter((code) => !(accepts.includes(code) && acceptable.includes(code)));
}
