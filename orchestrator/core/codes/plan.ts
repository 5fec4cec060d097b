// Codes of mark and cutplan.
import type { CodeEntry } from "./entry.ts";

export const planCodes = {
  SOURCE_NOT_UTF8: {
    summary: "the document is not valid UTF-8",
    remedy: "store the document as UTF-8 in the knowledge base and run again",
    exit: 10,
  },
  SOURCE_EMPTY: { summary: "the document has no bytes", remedy: "name a document that has content", exit: 10 },
  SOURCE_TOO_LARGE: {
    summary: "the document is larger than a plan may be",
    remedy: "split the document; the limit stands in orchestrator/core/plan/mark.ts",
    exit: 10,
  },
  SOURCE_TOO_MANY_HEADINGS: {
    summary: "the document has more headings than a plan may have units",
    remedy: "split the document; the limit stands in orchestrator/core/plan/mark.ts",
    exit: 10,
  },
  DOC_CODE_INVALID: {
    summary: "the document code cannot stand in an address",
    remedy:
      "register the document with a code of 1 to 64 characters of A-Z a-z 0-9 . _ - that starts and ends with a letter or digit and has no ..",
    exit: 10,
  },
  PLAN_NOT_LOSSLESS: {
    summary: "the units do not add up to the source",
    remedy: "do not use this plan; compute it again from the pinned bytes, and report the document if it happens twice",
    exit: 70,
  },
  CANONICAL_JSON_REFUSED: {
    summary: "the value has no canonical JSON",
    remedy:
      "mend the named value: no NaN, no integer beyond 2^53, no lone surrogate, nothing but plain objects, arrays, strings, numbers, booleans and null",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
