// Host identity: sha256 of `cutter:` and the 32 hex digits of /etc/machine-id. One formula wherever a host is named; the survey's shell
// script and the set-up pages have it as a shell line, and test/house/host-identity.test.ts holds those to this one.
import { sha256Hex } from "../encoding/digest.ts";

export const machineIdFile = "/etc/machine-id";

/** 64 hex digits; null when the file's text is no machine id. Pure. */
export function toHostIdentity(machineIdText: string): string | null {
  const machineId = machineIdText.trim();
  return /^[0-9a-f]{32}$/.test(machineId) ? sha256Hex(`cutter:${machineId}`) : null;
}
