// Codes of the knowledge base and its receipts.
import type { CodeEntry } from "./entry.ts";

export const knowledgeBaseCodes = {
  KB_UNAVAILABLE: {
    summary:
      "the knowledge base did not carry out the call: reason says whether it was not reached, gave no answer in time or answers 5xx, 408 " +
      "or 429",
    remedy:
      "nothing is lost: start the run again when the knowledge base is back; one that answers 500 is reached and fails itself: its owner " +
      "looks at it, also while its /health says 200",
    exit: 11,
  },
  KB_TLS_REFUSED: {
    summary: "the knowledge base could not prove that it is the one of kb_base_url",
    remedy: "check its certificate, its name and orchestrator.kb_ca_file; verification is never switched off",
    exit: 10,
  },
  KB_KEY_REFUSED: {
    summary: "the knowledge base refused the key for this call",
    remedy: "check the named key in the env file and its rights for the named call; then start again",
    exit: 10,
  },
  KB_KEY_MALFORMED: {
    summary: "the key of the knowledge base is empty or holds characters that no header can carry",
    remedy: "mend the named key in the env file",
    exit: 78,
  },
  KB_ANSWER_INVALID: {
    summary: "the knowledge base gave an answer that is none of its API, or sent the call elsewhere",
    remedy:
      "check that orchestrator.kb_base_url names the API itself, at its final address and with its prefix, and no page of a " +
      "proxy; redirects are never followed, because the key would go along",
    exit: 10,
  },
  KB_ANSWER_TOO_LARGE: {
    summary: "the knowledge base answered with more bytes than a document may have",
    remedy: "look at the named document with another tool; nothing of the answer was used",
    exit: 10,
  },
  KB_READ_BACK_DIFFERS: {
    summary: "the knowledge base answers with something else than was stored or asked for: reason says what (document, revision, body)",
    remedy:
      "somebody else writes or deletes this document, or the knowledge base changes bodies or was restored: do not trust it " +
      "until its owner has found out which, then start again",
    exit: 10,
  },
  KB_INDEX_CONTENDED: {
    summary: "others kept writing the runs index while this run tried to add its line",
    remedy: "nothing is lost: start the run again; if it happens often, find out who else writes the index",
    exit: 11,
  },
  KB_INDEX_FOREIGN: {
    summary: "another document stands where the runs index belongs: nothing of it was changed",
    remedy: "move the named document elsewhere, or name another id as orchestrator.kb_runs_index_path; then start the run again",
    exit: 10,
  },
  KB_REFUSED: {
    summary: "the knowledge base refused the call",
    remedy: "the named status and code say why; mend it there and start again",
    exit: 10,
  },
  KB_ID_INVALID: {
    summary: "this is no document id of the knowledge base",
    remedy: "use lower-case ASCII letters, digits, dots and hyphens in folders divided by /, ending in .md, without __ and ..",
    exit: 2,
  },
  KB_DOCUMENT_INVALID: {
    summary: "this document cannot be stored verbatim in the knowledge base",
    remedy: "the named part says what is wrong: U+0000, broken Unicode, control characters in a title or tag, or more than 50 MB",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
