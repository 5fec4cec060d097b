// Codes of configuration and secrets (names only, never values).
import type { CodeEntry } from "./entry.ts";

export const configCodes = {
  CONFIG_INVALID: {
    summary: "the configuration does not fit its schema",
    remedy: "mend the named key; cutter config check shows each key with an example",
    exit: 78,
  },
  CONFIG_MISSING: { summary: "there is no configuration on this host", remedy: "pulumi up writes /etc/cutter/orchestrator.yaml", exit: 78 },
  CONFIG_UNREADABLE: {
    summary: "the configuration cannot be read by this user",
    remedy: "run the command as root or as the user cutter",
    exit: 78,
  },
  CREDENTIALS_MISSING: {
    summary: "no credentials were handed to this process",
    remedy: "start it through its unit, or as root, which prepares them",
    exit: 78,
  },
  CREDENTIAL_ABSENT: {
    summary: "a needed credential is not there",
    remedy: "put the named value into its env file on the host and start again",
    exit: 78,
  },
} as const satisfies Record<string, CodeEntry>;
