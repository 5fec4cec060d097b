// Codes of a live run: exactly once, revocation, claims, escalation, giving up.
import type { CodeEntry } from "./entry.ts";

export const liveCodes = {
  STOP_REPLAY_CONFLICT: {
    summary: "journal, unique keys and recorder do not tell one story of this step",
    remedy: "start nothing and change nothing; the three values say what stands where: compare them with the database, then decide by SG_3",
    exit: 30,
  },
  COMMIT_OUTCOME_UNKNOWN: {
    summary: "COMMIT was sent and no answer came",
    remedy: "the run asks the recorder by itself; only if that stays silent a person is needed",
    exit: 30,
  },
  COMMIT_UNKNOWN: {
    summary: "whether the step's transaction was committed could not be found out in time",
    remedy: "wait until the database answers, then have the run enabled and started again: it reads what stands before it does anything",
    exit: 30,
  },
  EXECUTION_REVOKED: {
    summary: "execution is no longer enabled for this run: the latch is set, or its token is gone or no longer valid",
    remedy: "nothing more is written until the run is enabled again; then start it, it goes on where it stood",
    exit: 10,
  },
  PAYLOAD_CHANGED: {
    summary: "the plan computed now is not the one that was approved",
    remedy: "the document or its rows moved since the dry run: prepare again under another run id, look at the new plan, have it signed",
    exit: 10,
  },
  LIVE_INPUTS_CHANGED: {
    summary: "this live run has written, and what it was begun with is not what stands here now",
    remedy:
      "put the named input back as it was, by hand where it must be, and have the run enabled and started again; or have it " +
      "reverted: runbooks/emergency-revert",
    exit: 20,
  },
  CLOCKS_DISAGREE: {
    summary: "two clocks that judge approvals differ by more than 60 seconds",
    remedy: "set the named clocks right, then start again",
    exit: 10,
  },
  DOCUMENT_CLAIMED_BY_RUN: {
    summary: "another run has cut into this document and is not closed out, not given up and not reverted",
    remedy: "finish the named run, revert it, or have it given up by SG_3; then start this one again",
    exit: 30,
  },
  ESCALATION_OPEN: {
    summary: "a phase of this run failed after something was written, and the sovereign has not decided",
    remedy:
      "cutter approval draft --gate SG_3 --phase P --decision resume (or void) --run-id R, P being the phase named here; have " +
      "it signed, then runbooks/enable with it",
    exit: 20,
  },
  VOID_EFFECTS_STAND: {
    summary: "effects of this run stand in the database and are not reverted",
    remedy: "runbooks/emergency-revert first; then give the run up",
    exit: 20,
  },
  VOID_CLAIM_STANDS: {
    summary: "this run holds its claim on the document, and only a signed decision releases it",
    remedy:
      "cutter approval draft --gate SG_3 --phase cut_leg_a --decision void --run-id R (another phase only if explain names " +
      "one); have it signed, then runbooks/enable and start-run",
    exit: 20,
  },
  VOID_NOT_CLAIMED: {
    summary: "this start carries a signed void, and its run never claimed the document: there is nothing for it to release",
    remedy: "cutter orchestrate void --run-id R gives it up without a signature; nothing was written",
    exit: 10,
  },
  VOID_RUN_DONE: {
    summary: "this run is done, so there is nothing to give up",
    remedy: "a live run that is to be undone is reverted: runbooks/emergency-revert",
    exit: 10,
  },
  VOID_RUN_LIVE: {
    summary: "execution is enabled for this run",
    remedy: "runbooks/disable --now first; a run is given up only while nothing can start it",
    exit: 10,
  },
  RUN_VOIDED: {
    summary: "this run was given up and never starts again",
    remedy: "nothing of it stands; prepare the document again under another run id",
    exit: 10,
  },
  EFFECT_TAKEN_AS_DONE: {
    summary: "a step was intended before a crash and stands in the database exactly as intended",
    remedy: "nothing to do: it was not repeated, and the run went on",
    exit: 20,
  },
  NOTIFY_FAILED: {
    summary: "notify_command could not be run or failed",
    remedy: "run it by hand as user cutter; the run itself is not touched by it",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
