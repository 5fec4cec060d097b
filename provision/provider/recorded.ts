// What the engine's state has: it was made by us, whatever the ownership manifest says or has lost.
import type { HostAddress } from "../host/address.ts";

export interface Recorded {
  note(address: HostAddress, claim: string): void;
  has(address: HostAddress, claim: string): boolean;
}

/** By the machine's identity: a host may be called otherwise by now, as the single host of a stack is when the stack was renamed. */
export function createRecorded(): Recorded {
  const marks = new Set<string>();
  const toMark = (address: HostAddress, claim: string): string => `${address.machineIdentity} ${claim}`;
  return {
    note: (address, claim) => void marks.add(toMark(address, claim)),
    has: (address, claim) => marks.has(toMark(address, claim)),
  };
}
