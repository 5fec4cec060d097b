// Codes of a run: command line, kill switch, journal, locks, caps, certificate.
import type { CodeEntry } from "./entry.ts";

export const runCodes = {
  ProductionExecutionNotAuthorized: {
    summary: "live execution is not authorised: the kill switch is off",
    remedy:
      "nothing ran; each start needs an enabling of its own, of a run that has begun, too: runbooks/enable, then " +
      "runbooks/start-run; a new run begins with runbooks/prepare (runbooks/README.md, from dry run to live)",
    exit: 10,
  },
  RUN_ID_INVALID: {
    summary: "this is no run id",
    remedy: "use 3 to 48 characters of A-Z a-z 0-9 . _ - that start with a letter or digit, without .. or __ and not ending in .dryrun",
    exit: 2,
  },
  RUN_ID_TAKEN: {
    summary: "this run id is taken: by one that differs only in case, or by another request",
    remedy: "choose another run id: ids are never used again",
    exit: 10,
  },
  RUN_UNKNOWN: {
    summary: "there is no run of this id on this host, or none that has begun",
    remedy: "cutter orchestrate status lists the runs; of one that never began, cutter orchestrate explain says what comes next",
    exit: 10,
  },
  RUN_INPUTS_CHANGED: {
    summary: "this run was begun with other inputs",
    remedy: "nothing was written; begin again under another run id, or put the named input back as it was",
    exit: 10,
  },
  RUN_FOLDER_FOREIGN: {
    summary: "the run's folder is not the kit's: something else stands there, a link, a file, or a folder open to others",
    remedy: "look at the named path and move it away yourself, then start the run again",
    exit: 10,
  },
  RUN_FILE_DAMAGED: {
    summary: "a file of the run differs from what the journal recorded",
    remedy: "keep the folder as evidence and begin again under another run id",
    exit: 30,
  },
  REQUEST_INVALID: {
    summary: "there is no request file for this run, or it does not fit its schema",
    remedy: "runbooks/prepare --run-id R --document D writes it",
    exit: 10,
  },
  USAGE_INVALID: {
    summary: "the command line is not understood, or an argument is missing or unfit",
    remedy: "mend what the facts name; help names the command that says how it is typed",
    exit: 2,
  },
  EXECUTION_OUTSIDE_UNIT: {
    summary: "a live run and a revert work only inside their own unit",
    remedy:
      "runbooks/start-run, or on the host systemctl start cutter-run@<run_id>; for a revert runbooks/emergency-revert --run-id " +
      "R --approval FILE: cutter revert --run-id R --render only prints the SQL",
    exit: 10,
  },
  ENVIRONMENT_DANGEROUS: {
    summary: "an environment variable is set that could change what runs or where it connects",
    remedy: "unset the named variables and try again",
    exit: 10,
  },
  KILL_SWITCH_UNREADABLE: {
    summary: "the state of the kill switch cannot be read",
    remedy: "treat it as off; run the command as root, and check /run/cutter and /etc/cutter/execution",
    exit: 10,
  },
  DOCUMENT_LOCKED: {
    summary: "another run holds this document on this host",
    remedy: "wait for it; cutter orchestrate status --run-id with the holder's id tells what it waits for",
    exit: 10,
  },
  RUN_LOCKED: {
    summary: "another start of this run id is going on on this host",
    remedy: "wait for it, or choose another run id; document_id and pid tell what the other start works on",
    exit: 10,
  },
  LOCK_DAMAGED: {
    summary: "a lock file of the run or its document cannot be read as one",
    remedy: "make sure that no run is going on, look at the file, then remove it",
    exit: 30,
  },
  LOCK_NOT_RELEASED: {
    summary: "a lock or the journal's file could not be closed cleanly at the end of a start",
    remedy: "nothing is lost: the next start takes over what this process left; look at the disk and the folder of locks",
    exit: 10,
  },
  JOURNAL_NOT_WRITTEN: {
    summary: "a record could not be made durable in the journal, for another reason than its disk",
    remedy: "look at the named file: it must be a plain file of cutter's; the next start says whether the journal still verifies",
    exit: 30,
  },
  JOURNAL_DAMAGED: {
    summary: "the journal's chain does not hold, or a record cannot follow from what stands before it: one was edited, moved or lost",
    remedy:
      "keep the folder as evidence and ask who changed it; the receipts in the knowledge base are the witness; begin again " +
      "under another run id",
    exit: 30,
  },
  RUN_HARD_CAP_REACHED: {
    summary: "the run took longer than run_hard_cap_minutes",
    remedy: "start it again, a live run enabled anew: it goes on where it stood; or raise the cap",
    exit: 10,
  },
  RUN_INTERRUPTED: {
    summary: "the run was told to stop",
    remedy: "start it again, a live run enabled anew: it goes on where it stood",
    exit: 10,
  },
  PHASE_SOFT_CAP_PASSED: {
    summary: "a phase took longer than phase_soft_cap_minutes",
    remedy: "look what it waited for; the run went on",
    exit: 10,
  },
  DRY_RUN_WROTE: {
    summary: "a dry run wrote to the database",
    remedy: "this is a bug of the kit: keep the run's folder, do not go on to live, report it",
    exit: 70,
  },
  CERTIFICATE_INCONCLUSIVE: {
    summary: "the dry run cannot prove that it wrote nothing",
    remedy:
      "the certificate's reasons say why (cutter orchestrate report --run-id R.dryrun, on the host): where others wrote meanwhile, " +
      "dry-run again under another run id at a quieter time; anything else is mended first",
    exit: 10,
  },
  APPROVAL_MISSING: {
    summary: "the request names no approval for this gate",
    remedy: "have it drafted (runbooks/prepare) and signed, then give it to runbooks/enable: --approval FILE",
    exit: 10,
  },
  PRINCIPAL_NOT_PINNED: {
    summary: "no governance principal is pinned",
    remedy: "pin orchestrator:governance_principal in the stack and run pulumi up (GAP-4)",
    exit: 10,
  },
  RELEASE_UNKNOWN: {
    summary: "this is not a release: its manifest.json or its root helper is not beside it",
    remedy:
      "on a host, run the deployed release, /usr/local/bin/cutter; on your machine, the scripts in runbooks/; if the release " +
      "lacks it, pulumi up",
    exit: 10,
  },
  RELEASE_DAMAGED: { summary: "the release differs from its manifest", remedy: "pulumi up repairs it", exit: 10 },
  INTERNAL_BUG: {
    summary: "the kit met something it does not allow for",
    remedy: "run again with --verbose and report what it prints",
    exit: 70,
  },
} as const satisfies Record<string, CodeEntry>;
