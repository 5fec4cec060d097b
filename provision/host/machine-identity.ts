// Host identity: sha256 of `cutter:` and the 32 hex characters of /etc/machine-id. One formula wherever a host is named.
import { createHash } from "node:crypto";

/** @returns 64 hex characters, or null if the text is no machine id. */
export function toMachineIdentity(machineIdText: string): string | null {
  const machineId = machineIdText.trim();
  return /^[0-9a-f]{32}$/.test(machineId) ? createHash("sha256").update(`cutter:${machineId}`).digest("hex") : null;
}
