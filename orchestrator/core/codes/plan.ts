// Codes of mark and cutplan.
import type { CodeEntry } from "./entry.ts";

export const planCodes = {
  SOURCE_UNFIT: {
    summary: "the document cannot be cut: reason says why (not_utf8, empty, too_large, too_many_headings)",
    remedy:
      "store a document of at least one byte, as UTF-8; split one that is too large: the limits stand in orchestrator/core/plan/mark.ts",
    exit: 10,
  },
  DOC_CODE_INVALID: {
    summary: "the document code cannot stand in an address",
    remedy:
      "register the document with a code of 1 to 64 characters of A-Z a-z 0-9 . _ - that starts and ends with a letter or " +
      "digit and has no ..",
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
      "mend the named value: no NaN, no integer beyond 2^53, no lone surrogate, nothing but plain objects, arrays, strings, " +
      "numbers, booleans and null",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
