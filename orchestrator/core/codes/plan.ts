// Codes of mark and cutplan.
import type { CodeEntry } from "./entry.ts";

export const planCodes = {
  SOURCE_NOT_UTF8: { summary: "the document is not valid UTF-8", remedy: "store the document as UTF-8 in the knowledge base and run again", exit: 10 },
  SOURCE_EMPTY: { summary: "the document has no bytes", remedy: "name a document that has content", exit: 10 },
} as const satisfies Record<string, CodeEntry>;
