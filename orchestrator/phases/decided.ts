// The decision a write phase relies on. The engine never applies a phase without it: asking for one that is not there is a bug.
import type { DecidedApproval, RunHistory } from "../ports/run-ports.ts";

export function requireDecision(history: RunHistory, gate: "SG_1" | "SG_2"): DecidedApproval {
  const decided = history.decided[gate];
  if (decided === undefined) throw new Error(`${gate} is not decided`);
  return decided;
}
