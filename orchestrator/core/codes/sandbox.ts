// Codes of the sandbox and the toolchain.
import type { CodeEntry } from "./entry.ts";

export const sandboxCodes = {
  SANDBOX_NOT_UP: { summary: "there is no running sandbox for this checkout", remedy: "npm run sandbox -- up", exit: 10 },
} as const satisfies Record<string, CodeEntry>;
