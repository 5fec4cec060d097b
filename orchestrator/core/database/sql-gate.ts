// The owner's SQL gate as the programme publishes it: one file, one transaction made by the gate, nothing removed, no commands of psql.
const rules = [
  { rule: "no transaction statement", pattern: /\b(begin|start\s+transaction|commit|rollback|abort|savepoint|prepare\s+transaction)\b/gi },
  { rule: "nothing is dropped, truncated or deleted", pattern: /\b(drop|truncate|delete\s+from)\b/gi },
  { rule: "no psql command", pattern: /\\[A-Za-z!?]/g },
  { rule: "no NUL and no carriage return", pattern: /[\0\r]/g },
] as const;

export interface SqlGateViolation {
  readonly line: number; // from 1
  readonly rule: string;
  readonly found: string;
}

/**
 * On the raw text, comments and literals included: a gate that only searches for words must let it through as well. Empty: it fits. Pure.
 */
export function toSqlGateViolations(text: string): readonly SqlGateViolation[] {
  const found = rules.flatMap(({ rule, pattern }) =>
    [...text.matchAll(pattern)].map((match) => ({ line: text.slice(0, match.index).split("\n").length, rule, found: match[0] })),
  );
  return found.sort((one, other) => one.line - other.line);
}
