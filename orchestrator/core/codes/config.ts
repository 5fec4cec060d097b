// Codes of configuration and secrets (names only, never values).
import type { CodeEntry } from "./entry.ts";

export const configCodes = {
  CONFIG_INVALID: { summary: "the configuration does not fit its schema", remedy: "mend the named key; cutter config check shows each key with an example", exit: 78 },
} as const satisfies Record<string, CodeEntry>;
