// Codes of root helpers and the host's files.
import type { CodeEntry } from "./entry.ts";

export const hostCodes = {
  NOT_ROOT: { summary: "this helper works as root only", remedy: "systemd starts it; by hand, become root", exit: 10 },
} as const satisfies Record<string, CodeEntry>;
