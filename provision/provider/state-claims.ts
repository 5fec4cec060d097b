// What the engine's state has: it was made by us, whatever the ownership manifest says or has lost.
import type { HostAddress } from "../host/address.ts";

export interface StateClaims {
  note(address: HostAddress, claim: string): void;
  has(address: HostAddress, claim: string): boolean;
}

/** By the machine's identity: a host may be called otherwise by now, as the single host of a stack is when the stack was renamed. */
export function createStateClaims(): StateClaims {
  const keys = new Set<string>();
  const toKey = (address: HostAddress, claim: string): string => `${address.machineIdentity} ${claim}`;
  return {
    note: (address, claim) => void keys.add(toKey(address, claim)),
    has: (address, claim) => keys.has(toKey(address, claim)),
  };
}
