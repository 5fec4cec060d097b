// Codes of the knowledge base and its receipts.
import type { CodeEntry } from "./entry.ts";

export const knowledgeBaseCodes = {
  KB_UNAVAILABLE: { summary: "the knowledge base did not answer in time", remedy: "nothing is lost: start the run again when the knowledge base is back", exit: 11 },
} as const satisfies Record<string, CodeEntry>;
