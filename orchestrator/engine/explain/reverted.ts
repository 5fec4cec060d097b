// What is certain of a run whose revert began, what is not, and what is left to do. Pure.
import { effectSteps } from "../../core/journal/effect.ts";
import { isTakenBack } from "../../core/revert/differences.ts";
import type { RunStatus } from "../../core/journal/status.ts";
import type { RunSummary } from "../records/read-run.ts";

type Revert = NonNullable<RunSummary["revert"]>;

/** What the run wrote, and what became of it. */
export function toRevertedEffects(status: RunStatus): readonly string[] {
  return effectSteps.flatMap((step) => {
    const { state, transactions } = status.effects[step];
    if (state !== "done") return [];
    const written = `${step} was written by transaction ${transactions.at(-1) ?? "unknown"}`;
    return [isTakenBack(step) ? `${written}, and the revert took it back` : `${written}; its rows stay, they are append-only`];
  });
}

export function toRevertLines(revert: Revert): readonly string[] {
  const { state, reverted_at: at, verified_at: seenAt, units, approval, code } = revert;
  const by = approval === null ? "" : ` by approval of ${approval.signer} (review_decision ${approval.review_decision_id})`;
  return state === "reverted"
    ? [
        `it was reverted at ${at ?? "an unknown time"}${by}: ${String(units ?? 0)} units are retired`,
        ...(seenAt === null ? [] : [`another login saw them retired at ${seenAt}`]),
      ]
    : [`a revert of it began${by} and is not finished${code === null ? "" : `: its last start ended with ${code}`}`];
}

export function toRevertUncertain({ state, verified_at: seenAt, open_transaction: transaction }: Revert): readonly string[] {
  if (state === "reverted")
    return seenAt === null ? ["whether another login sees the units retired: the next start of the revert looks"] : [];
  return transaction === null
    ? []
    : [`whether transaction ${transaction} of the revert was committed: the next start of the revert asks the database`];
}
