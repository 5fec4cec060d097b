// The first lines of a run's report: its verdict, and what stands now, by the records of the run and of its revert. Pure.
import type { Banner } from "../page/page.ts";
import type { RevertAccount } from "../revert/account.ts";
import type { RunAccount } from "./account.ts";

export function toBanner(account: RunAccount, revert: RevertAccount | null): Banner {
  if (revert !== null) return revert.state === "reverted" ? toReverted(account, revert) : toUnfinishedRevert(revert);
  if (account.mode === null) return { tone: "plain", headline: "NOT BEGUN", lines: ["Nothing of it stands anywhere."] };
  if (account.mode === "dryrun") return toDry(account);
  if (account.voidedWhy !== null)
    return { tone: "bad", headline: "GIVEN UP", lines: [account.voidedWhy, "It never starts again. No unit of it is in force."] };
  if (account.finished)
    return {
      tone: "good",
      headline: "DONE",
      lines: [`What stands now, by the run's own records: ${toUnits(account)}, in force.`],
    };
  const standing = toWritten(account);
  return {
    tone: "bad",
    headline: "NOT FINISHED",
    lines: [
      ...(account.lastCode === null ? [] : [`Its last start ended with ${account.lastCode}.`]),
      standing.length === 0
        ? "No effect of it is recorded in the database."
        : `What stands now, by the run's own records: the effects of ${standing.join(", ")}.`,
    ],
  };
}

function toReverted(account: RunAccount, { revertedAt, verifiedAt, units, approval, code }: RevertAccount): Banner {
  return {
    tone: "bad",
    headline: `REVERTED at ${revertedAt ?? "an unknown time"}`,
    lines: [
      account.finished
        ? `The run was done at ${account.lastAt ?? "an unknown time"} and was taken back afterwards.`
        : "The run was not finished, and what it had created was taken back.",
      ...(approval === null ? [] : [`Approved by the sovereign ${approval.signer}, review_decision ${approval.reviewDecisionId}.`]),
      `What stands now: no unit of this run is in force. ${String(units ?? 0)} units are retired and keep their identities; versions, ` +
        "log and governance records are append-only and stay.",
      verifiedAt === null ? "No other login has looked at them since." : `Another login saw them retired at ${verifiedAt}.`,
      ...(code === null ? [] : [`The last start of the revert ended with ${code}: start it again, it repeats nothing.`]),
    ],
  };
}

function toUnfinishedRevert({ code, openTransaction, approval }: RevertAccount): Banner {
  return {
    tone: "bad",
    headline: "REVERT NOT FINISHED",
    lines: [
      ...(approval === null ? [] : [`Approved by the sovereign ${approval.signer}, review_decision ${approval.reviewDecisionId}.`]),
      ...(code === null ? ["Its last start has not said how it ended."] : [`Its last start ended with ${code}.`]),
      openTransaction === null
        ? "Nothing of the run is recorded as taken back."
        : `Whether transaction ${openTransaction} of the revert was committed is not known; its next start asks the database.`,
    ],
  };
}

function toDry({ finished, certificate }: RunAccount): Banner {
  if (!finished) return { tone: "plain", headline: "DRY RUN, NOT FINISHED", lines: ["A dry run has no way to write to the database."] };
  const passed = certificate === "pass";
  return {
    tone: passed ? "good" : "bad",
    headline: `DRY RUN, certificate ${certificate ?? "none"}`,
    lines: [passed ? "Nothing was written to the database." : "A dry run has no way to write; that nothing changed is not certified."],
  };
}

function toUnits({ plan }: RunAccount): string {
  return plan === null ? "its units" : `${String(plan.units.length)} units`;
}

/** Steps whose effect is recorded as there; the backup is a file. */
function toWritten({ effects }: RunAccount): readonly string[] {
  return effects.filter(({ step, found }) => found !== null && step !== "pre_write_backup").map(({ step }) => step);
}
