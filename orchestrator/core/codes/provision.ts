// Codes of the kit: connection, provider, release, stack.
import type { CodeEntry } from "./entry.ts";

export const provisionCodes = {
  HOST_KEY_MISMATCH: { summary: "the host shows another SSH key than the pinned one", remedy: "do not go on; compare the key over a trusted line and pin it again only if the host was reinstalled", exit: 10 },
  HOST_IDENTITY_MISMATCH: { summary: "this is another machine than the stack expects", remedy: "check cutter-kit:host; if the machine was reinstalled, pin its new identity", exit: 10 },
  FOREIGN_FILE: { summary: "a file that is not the kit's stands in its way", remedy: "look at it and move it away yourself; the kit never overwrites what it does not own", exit: 10 },
} as const satisfies Record<string, CodeEntry>;
