// Codes of a run: command line, kill switch, journal, locks, caps, certificate.
import type { CodeEntry } from "./entry.ts";

export const runCodes = {
  ProductionExecutionNotAuthorized: {
    summary: "live execution is not authorised: the kill switch is off",
    remedy: "nothing ran; dry-run with runbooks/prepare, then follow runbooks/README.md from dry run to live",
    exit: 10,
  },
  RUN_ID_INVALID: {
    summary: "this is no run id",
    remedy: "use 3 to 48 characters of A-Z a-z 0-9 . _ - that start with a letter or digit, without .. or __ and not ending in .dryrun",
    exit: 2,
  },
  RUN_ID_CASE_CONFLICT: {
    summary: "another run id differs from this one only in case",
    remedy: "choose another run id",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
