// The permission to write: a value nobody can make but engine/arm.ts, so "forgot to check the switch" does not compile.
declare const madeByArm: unique symbol;

/** Good for one phase of one run, right after the kill switch and the approvals were judged. */
export interface WritePermission {
  readonly [madeByArm]: true;
  readonly runId: string;
  readonly phase: string;
}
