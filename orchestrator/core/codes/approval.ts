// Codes of approval documents: what is wrong with the text, with a signature, or with what it is said to approve.
import type { CodeEntry } from "./entry.ts";

export const approvalCodes = {
  APPROVAL_UNREADABLE: {
    summary: "the approval, its signature or a key cannot be read as a plain file",
    remedy: "name an existing regular file, no link, no pipe",
    exit: 10,
  },
  APPROVAL_TOO_LARGE: {
    summary: "the approval is longer than one may be",
    remedy: "keep the prose short, or spread a batch over several documents",
    exit: 10,
  },
  APPROVAL_NOT_UTF8: {
    summary: "the approval is not UTF-8",
    remedy: "save it as UTF-8 without byte order mark and sign it again",
    exit: 10,
  },
  APPROVAL_CHARACTER_FORBIDDEN: {
    summary: "the approval holds a control or an invisible character, so that people may see another text than the kit",
    remedy: "remove the named character and sign the document again",
    exit: 10,
  },
  APPROVAL_BLOCK_INVALID: {
    summary: "the approval does not hold exactly one plain cutter-approval block",
    remedy: "draft it again with cutter approval draft, and change only what stands as a placeholder",
    exit: 10,
  },
  APPROVAL_JSON_INVALID: {
    summary: "the block of the approval is not strict JSON",
    remedy: "draft it again with cutter approval draft, and change only what stands as a placeholder",
    exit: 10,
  },
  APPROVAL_PLACEHOLDER: {
    summary: "the approval is a draft: a placeholder stands where only the signer may fill in",
    remedy: "fill every placeholder with the commands that cutter approval draft prints, then sign",
    exit: 10,
  },
  APPROVAL_FIELD_INVALID: {
    summary: "a field of the approval does not fit",
    remedy: "draft it again with cutter approval draft, and change only what stands as a placeholder",
    exit: 10,
  },
  APPROVAL_UUID_COLLAPSED: {
    summary: "one review_decision_id stands for more than one decision",
    remedy: "the signer issues a fresh UUID for each document and phase",
    exit: 10,
  },
  APPROVAL_ENTRY_DOUBLED: {
    summary: "the batch names one run or one document twice",
    remedy: "name each run and each document once",
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
  APPROVAL_SIGNATURE_MISSING: {
    summary: "a signature that this gate demands is not there",
    remedy: "have the named role sign these very bytes: gpg --armor --detach-sign FILE",
    exit: 10,
  },
  APPROVAL_SIGNATURE_MALFORMED: {
    summary: "this is not one armored, detached OpenPGP signature and nothing else",
    remedy: "sign with stock gpg: gpg --armor --detach-sign FILE; nothing may stand around the armor",
    exit: 10,
  },
  APPROVAL_SIGNATURE_COUNT: {
    summary: "a signature file does not hold exactly one signature",
    remedy: "one signer, one file: let each sign alone",
    exit: 10,
  },
  APPROVAL_SIGNATURE_TYPE: {
    summary: "the signature is not one over a binary document",
    remedy: "sign with gpg --armor --detach-sign FILE, without --textmode",
    exit: 10,
  },
  APPROVAL_SIGNATURE_WEAK: {
    summary: "the signature uses a digest the kit does not accept",
    remedy: "sign again with gpg --digest-algo SHA512 --armor --detach-sign FILE",
    exit: 10,
  },
  APPROVAL_SIGNER_NOT_PINNED: {
    summary: "the signature was not made by a pinned key",
    remedy: "let the owner of the pinned key sign",
    exit: 10,
  },
  APPROVAL_SIGNATURE_UNWANTED: {
    summary: "this gate is not signed by that role, or that role signed twice",
    remedy: "give exactly one signature of each role the gate demands",
    exit: 10,
  },
  APPROVAL_SIGNATURE_EXPIRED: { summary: "the signature itself has expired", remedy: "sign again without --default-sig-expire", exit: 10 },
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
  APPROVAL_TOO_OLD: { summary: "the approval is too old for its gate", remedy: "draft it again and have it signed freshly", exit: 10 },
  APPROVAL_EXPIRED: { summary: "the ruling has expired", remedy: "have a new ruling drafted and signed", exit: 10 },
  APPROVAL_LASTS_TOO_LONG: {
    summary: "the ruling does not expire within 24 hours of its date, or before it begins",
    remedy: "set expires_at at most 24 hours after issued_at and sign again",
    exit: 10,
  },
  APPROVAL_GATE_MISMATCH: {
    summary: "the approval is for another gate",
    remedy: "give the approval of the gate that was asked for",
    exit: 10,
  },
  APPROVAL_DECISION_MISMATCH: {
    summary: "the approval decides something else than was asked for",
    remedy: "do what was decided, or ask for another decision",
    exit: 10,
  },
  APPROVAL_RUN_MISMATCH: { summary: "the approval is for another run", remedy: "have one drafted and signed for this run id", exit: 10 },
  APPROVAL_DOCUMENT_MISMATCH: {
    summary: "the approval is for another document",
    remedy: "have one drafted and signed for this document",
    exit: 10,
  },
  APPROVAL_PHASE_MISMATCH: { summary: "the approval is for another phase", remedy: "have one drafted and signed for this phase", exit: 10 },
  APPROVAL_HOST_MISMATCH: { summary: "the approval is for another host", remedy: "have one drafted on this host and signed", exit: 10 },
  APPROVAL_RELEASE_MISMATCH: {
    summary: "the approval is for another release of the kit",
    remedy: "dry-run again with the release that is now installed, draft and sign anew",
    exit: 10,
  },
  APPROVAL_PAYLOAD_MISMATCH: {
    summary: "the approval is for another plan",
    remedy: "the document or its rows moved since: dry-run again, look at the new plan, draft and sign anew",
    exit: 10,
  },
  APPROVAL_SOURCE_MISMATCH: {
    summary: "the ruling is for other bytes of the document",
    remedy: "dry-run again, draft and sign anew",
    exit: 10,
  },
  APPROVAL_PRINCIPAL_MISMATCH: {
    summary: "the ruling names another governance principal than is pinned",
    remedy: "pin the principal the ruling names, or have a new ruling signed",
    exit: 10,
  },
  APPROVAL_RUNBOOK_MISMATCH: {
    summary: "the ruling names another rollback runbook than is installed",
    remedy: "install the ratified runbook, or have this one ratified by a new ruling",
    exit: 10,
  },
  APPROVAL_GRANTS_MISMATCH: {
    summary: "the ruling names another grant matrix than is found",
    remedy: "look what changed with cutter grants, then have a new ruling signed",
    exit: 10,
  },
  APPROVAL_DRY_RUN_UNFIT: {
    summary: "the dry run of this id is nothing to sign: it is missing, not done, not certified, or its plan was changed",
    remedy: "dry-run with runbooks/prepare --run-id R --document D, then draft again",
    exit: 10,
  },
  APPROVAL_ARCHITECT_TEXT_DIFFERS: {
    summary: "the architect's text in the knowledge base is not the one the ruling names",
    remedy: "name the text's id, revision and sha256 as they stand there, and have the ruling signed again",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
