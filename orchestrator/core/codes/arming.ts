// Codes of arming: the token, the ledger, and why enable refuses. Exit 10: nothing was enabled, nothing was written.
import type { CodeEntry } from "./entry.ts";

const again = "mend what the facts name, then runbooks/enable again";

export const armingCodes = {
  TOKEN_INVALID: {
    summary: "this is no arm token as the kit writes it",
    remedy: "runbooks/disable, find out who wrote below /run/cutter, then enable again",
    exit: 10,
  },
  TOKEN_EXPIRED: {
    summary: "the arm token had expired before the run was started, and was removed",
    remedy: "runbooks/enable again, which spends another start of the ruling, and start the run within the hour",
    exit: 10,
  },
  ENABLE_LATCHED: {
    summary: "execution is disabled by the latch",
    remedy: "find out who set it and why; only runbooks/disable --clear lifts it",
    exit: 10,
  },
  ENABLE_REQUEST_UNFIT: {
    summary: "the request of this run is not one that can be enabled",
    remedy: "runbooks/prepare writes it: mode live, the document of the dry run, an approval named for each gate",
    exit: 10,
  },
  ENABLE_ALREADY: {
    summary: "this run, or another one, is armed or live on this host already",
    remedy:
      "the facts name the armed run: if it is this one, start it with runbooks/start-run; if it is another, let it end; or " +
      "runbooks/disable takes the token away, and then runbooks/disable --clear lifts the latch",
    exit: 10,
  },
  ENABLE_WOULD_REFUSE: {
    summary: "the dry run found reasons that stop a live run, and the ruling does not accept them",
    remedy: "mend the named reasons and dry-run again; only PRINCIPAL_TOO_STRONG can be accepted, by a ruling that names it",
    exit: 10,
  },
  ENABLE_STAGED_UNFIT: { summary: "what is staged for arming is not what enable stages", remedy: again, exit: 10 },
  ENABLE_NOT_PROVEN: {
    summary: "after arming, the host does not say that this run is armed",
    remedy: "runbooks/disable, then look at cutter kill-switch status on the host",
    exit: 10,
  },
  GAPS_OPEN: {
    summary: "the host is not ready for a live run",
    remedy:
      "runbooks/survey shows each open gap with its evidence; pulumi up closes GAP-1 to GAP-6, " +
      "GAP-4 once orchestrator:governance_principal is pinned; a signed ruling closes GAP-7 and GAP-8",
    exit: 10,
  },
  RULING_SPENT: {
    summary: "every start of this ruling has been spent",
    remedy: "have a new ruling drafted and signed, with a fresh review_decision_id",
    exit: 10,
  },
  APPROVAL_SPENT: {
    summary: "this decision has been used: it is good for one start, or for one revert",
    remedy:
      "have a fresh one drafted and signed, with a fresh review_decision_id; for a revert: cutter approval draft --gate REVERT --run-id R",
    exit: 10,
  },
  APPROVAL_TAKEN: {
    summary: "another document stands in the knowledge base under this approval's id",
    remedy:
      "an approval is overwritten only once it is too old for its gate: compare the two; use the one that stands, or wait " +
      "until it has expired",
    exit: 10,
  },
  APPROVAL_UPLOAD_UNFIT: {
    summary: "this approval cannot be uploaded for this run",
    remedy: "name the run the approval names; REVERT goes through runbooks/emergency-revert",
    exit: 10,
  },
  RESTORE_PROOF_REFUSED: {
    summary: "this proof does not show that the owner can decrypt this backup",
    remedy: "runbooks/restore-proof --run-id R writes a draft and says how to fill it: on the machine that holds the backup key",
    exit: 10,
  },
  RESTORE_PROOF_NO_BACKUP: {
    summary: "this run has left no proven backup to decrypt",
    remedy: "name a live run that has come past pre_write_backup",
    exit: 10,
  },
  LEDGER_TORN: {
    summary: "the ledger ends in the middle of a line: a write was cut off, and nothing was enabled by it",
    remedy: "as root: copy the file as evidence, remove the unfinished last line, and only that, then try again",
    exit: 10,
  },
  LEDGER_DAMAGED: {
    summary: "the ledger's chain does not hold: a line was edited, moved or lost",
    remedy:
      "runbooks/disable, keep the files as evidence and find out who changed them; the way out stands in runbooks/README.md, " +
      "The ledger is damaged",
    exit: 30,
  },
  LEDGER_BUSY: { summary: "another command holds the ledger", remedy: "wait for it, then try again", exit: 10 },
  UNFINISHED_LIVE_RUN: {
    summary: "a live run has written to the database and is not closed out, not given up and not reverted",
    remedy:
      "finish it (cutter orchestrate explain --run-id R says how) or revert it (runbooks/emergency-revert); until then the " +
      "host stays as it is, but for orchestrator:revert_principal alone, which up may pin",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
