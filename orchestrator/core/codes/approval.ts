// Codes of approval documents: what is wrong with the text, with a signature, or with what it is said to approve.
import type { CodeEntry } from "./entry.ts";

export const approvalCodes = {
  APPROVAL_UNREADABLE: {
    summary: "the approval, its signature or a key cannot be read as a plain file",
    remedy: "name an existing regular file, no link, no pipe",
    exit: 10,
  },
  APPROVAL_TEXT_INVALID: {
    summary:
      "the text of the approval is not as it must be: reason says how (too_large, not_utf8, character_forbidden, block, json, " +
      "field, entry_doubled, lasts_too_long)",
    remedy:
      "draft it again with cutter approval draft, change only what stands as a placeholder, save it as UTF-8 and sign it " +
      "again; spread a batch that is too large over several documents; a ruling lasts 24 hours at most",
    exit: 10,
  },
  APPROVAL_PLACEHOLDER: {
    summary: "the approval is a draft: a placeholder stands where only the signer may fill in",
    remedy: "fill every placeholder with the commands that cutter approval draft prints, then sign",
    exit: 10,
  },
  APPROVAL_UUID_REUSED: {
    summary: "one review_decision_id stands for more than one decision",
    remedy: "have the approval drafted again with a fresh UUID for each document and phase, and signed",
    exit: 10,
  },
  APPROVAL_KEY_NOT_PINNED: {
    summary: "no key is pinned to judge the signature by",
    remedy: "give --sovereign-key FILE and --sovereign-fingerprint FPR, or run it as root on a host whose stack pins the sovereign's key",
    exit: 78,
  },
  APPROVAL_PIN_INVALID: {
    summary: "this is no full fingerprint",
    remedy: "give the 40 hex digits of the primary key's fingerprint: gpg --show-keys FILE; a key id is not enough",
    exit: 2,
  },
  APPROVAL_SIGNERS_NOT_DISTINCT: {
    summary: "sovereign and architect are pinned to one and the same key",
    remedy: "two people need two primary keys with no subkey in common; pin them anew",
    exit: 78,
  },
  APPROVAL_SIGNATURES_WRONG: {
    summary: "the signatures are not exactly those that this gate demands: one is missing, or one is unwanted",
    remedy: "have each role that the gate demands sign these very bytes once, and give no other signature: gpg --armor --detach-sign FILE",
    exit: 10,
  },
  APPROVAL_SIGNATURE_MALFORMED: {
    summary:
      "this is not one armored, detached OpenPGP signature over a binary document, of an accepted digest, and nothing else: " +
      "reason says what (count, type, weak_digest, expired)",
    remedy:
      "let each signer sign alone, with stock gpg: gpg --digest-algo SHA512 --armor --detach-sign FILE, without --textmode and " +
      "--default-sig-expire; nothing may stand around the armor",
    exit: 10,
  },
  APPROVAL_SIGNER_NOT_PINNED: {
    summary: "the signature was not made by a pinned key",
    remedy: "let the owner of the pinned key sign",
    exit: 10,
  },
  APPROVAL_SIGNATURE_BAD: {
    summary: "the signature does not fit these bytes",
    remedy: "the document was changed after it was signed, or another one was: compare it, then have it signed again",
    exit: 10,
  },
  APPROVAL_SIGNING_KEY_INVALID: {
    summary: "the very key that signed is revoked, expired or no signing key now",
    remedy: "sign with a valid signing key; if it was rotated, pin the new public key file first",
    exit: 10,
  },
  APPROVAL_FROM_FUTURE: {
    summary: "the approval is dated in the future",
    remedy: "set the clocks right (signer's and host's); then fill in issued_at and sign again",
    exit: 10,
  },
  APPROVAL_TOO_OLD: {
    summary: "the approval is too old for its gate, or the ruling has expired",
    remedy: "draft it again and have it signed freshly",
    exit: 10,
  },
  APPROVAL_FOR_ANOTHER: {
    summary: "the approval is for something else than was asked for: field says what (gate, run_id, document_id, phase, decision, host)",
    remedy:
      "give the approval of what was asked for; if there is none, have it drafted on this host for this gate, run and document, and signed",
    exit: 10,
  },
  APPROVAL_OUTDATED: {
    summary:
      "the approval names something else than stands here now: field says what (release, plan, document, principal, rollback " +
      "runbook or grant matrix)",
    remedy:
      "look what changed (of grants: cutter grants): put back what was approved, or dry-run again with the release that is now " +
      "installed, look at the new plan, draft and sign anew",
    exit: 10,
  },
  APPROVAL_DRY_RUN_UNFIT: {
    summary: "the dry run of this id is nothing to sign: it is missing, not done, not certified, or its plan was changed",
    remedy: "dry-run with runbooks/prepare --run-id R --document D, then draft again",
    exit: 10,
  },
  SIGN_NOTHING: {
    summary:
      "nothing that is signed for this run now could be used: reason says why (run_closed, gate_used, would_refuse, " +
      "document_claimed, rows_moved_since)",
    remedy:
      "sign nothing; mend what codes name, let by_run come to its end (cutter orchestrate explain --run-id BY_RUN), then prepare " +
      "under a run id that was never used: runbooks/prepare --run-id NEW --document D",
    exit: 10,
  },
  APPROVAL_ARCHITECT_TEXT_DIFFERS: {
    summary: "the architect's text in the knowledge base is not the one the ruling names",
    remedy: "name the text's id, revision and sha256 as they stand there, and have the ruling signed again",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
