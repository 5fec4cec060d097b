// Codes of the emergency revert. Exit 10: nothing was done and nothing had to be; 30: the run's effects stand and the macro cannot take
// them back by itself.
import type { CodeEntry } from "./entry.ts";

const person =
  "look at the named rows with the document's owner; what the run left and others built upon is not undone automatically " +
  "(runbooks/emergency-revert.md, section 5)";

export const revertCodes = {
  REVERT_PRINCIPAL_NOT_PINNED: {
    summary: "no revert principal is pinned",
    remedy:
      "pin orchestrator:revert_principal in the stack and run pulumi up, which accepts this one change also while a live run is " +
      "unfinished (the sha256 of the grants covers it: GRANT_MATRIX_MISMATCH shows until that is pinned by a later up); meanwhile cutter " +
      "revert --render gives the SQL for the owner's gate",
    exit: 10,
  },
  REVERT_LOGIN_MISMATCH: {
    summary: "DOT_CUTTER_REVERT_DB_USER is not the pinned revert principal",
    remedy: "make the env file and orchestrator:revert_principal name one role",
    exit: 78,
  },
  REVERT_NOT_STAGED: {
    summary: "no approval of this revert is staged on this host, or what is staged is not what root staged",
    remedy:
      "stage it (again) with runbooks/emergency-revert --run-id R --approval FILE; if reason=damaged comes twice, find out who " +
      "writes below /run/cutter",
    exit: 10,
  },
  REVERT_RUN_UNKNOWN: {
    summary: "this host or this database knows no such run",
    remedy: "check the run id with cutter orchestrate status; a run of another host is reverted there",
    exit: 10,
  },
  REVERT_NOTHING_CREATED: {
    summary: "this run created no unit (a dry run never does), so there is nothing to revert",
    remedy: "name the live run, without .dryrun; cutter orchestrate void gives a live run up that is not to go on",
    exit: 10,
  },
  REVERT_RUN_ACTIVE: {
    summary: "this run is armed, live or still at work",
    remedy: "stop it first: runbooks/disable --now; the revert works while execution is disabled",
    exit: 10,
  },
  REVERT_PLAN_UNREADABLE: {
    summary: "the plan this run cut by is missing or was changed, so its rows cannot be compared with it",
    remedy: "put the run's folder back from its evidence; without it the way back is cutter revert --render and the owner's SQL gate",
    exit: 30,
  },
  REVERT_RUNBOOK_CHANGED: {
    summary: "the rollback runbook on this host is not the pinned one",
    remedy: "pulumi up puts the pinned one back",
    exit: 10,
  },
  REVERT_RUNBOOK_UNFIT: {
    summary: "the rollback runbook breaks a rule of the owner's SQL gate",
    remedy: "pin a runbook that holds to the rules: no transaction statement, nothing removed, no psql command",
    exit: 10,
  },
  REVERT_ROWS_CHANGED: { summary: "rows of this document are not what the run left", remedy: person, exit: 30 },
  REVERT_UNIT_MOVED_SINCE: { summary: "a unit of this run was changed since", remedy: person, exit: 30 },
  REVERT_UNIT_WAS_THERE_BEFORE: { summary: "the run gave a new version to a unit that was there before", remedy: person, exit: 30 },
  REVERT_UNIT_ENACTED_BY_OTHERS: { summary: "another run moved a unit of this run in its lifecycle", remedy: person, exit: 30 },
  REVERT_UNIT_HAS_FOREIGN_CHILD: { summary: "another run hung a unit below one of this run", remedy: person, exit: 30 },
  REVERT_NOT_PROVEN: {
    summary: "the runbook's own proof did not hold, so the transaction was rolled back",
    remedy: "nothing was written; keep the run's folder and report it",
    exit: 10,
  },
  REVERT_COMMIT_UNKNOWN: {
    summary: "COMMIT was sent, no answer came, and the database cannot be asked",
    remedy: "start the same revert again once the database answers: it reads what stands and does nothing twice",
    exit: 30,
  },
  REVERT_NOT_VERIFIED: {
    summary: "the read-only login does not see the revert that was committed",
    remedy: "change nothing; compare the named counts with the database, keep the run's folder and report it",
    exit: 30,
  },
  REVERT_OUTCOME_UNKNOWN: {
    summary: "the host has not said how the revert ended",
    remedy: "read /run/cutter/revert-results on the host, or run the same command again: a revert that is done says so and changes nothing",
    exit: 30,
  },
} as const satisfies Record<string, CodeEntry>;
