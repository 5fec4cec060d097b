// Codes of configuration and secrets (names only, never values).
import type { CodeEntry } from "./entry.ts";

export const configCodes = {
  CONFIG_INVALID: {
    summary: "the configuration does not fit its schema, or names what is not there",
    remedy:
      "mend the named key; cutter config check shows each key with an example; postgres_access names a user of one of the " +
      "DOT_CUTTER_*_DB_USER values, scratch_database a database of its own whose name says scratch, or is " +
      "left out: then nothing is restored",
    exit: 78,
  },
  CONFIG_MISSING: {
    summary: "there is no configuration on this host that this user can read",
    remedy: "pulumi up writes /etc/cutter/orchestrator.yaml; run the command as root or as the user cutter",
    exit: 78,
  },
  CREDENTIALS_MISSING: {
    summary: "the credentials that this process needs were not handed to it, or lack a value",
    remedy: "start it through its unit, or as root, which prepares them; put a named value into its env file on the host first",
    exit: 78,
  },
} as const satisfies Record<string, CodeEntry>;
