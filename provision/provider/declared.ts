// What the program of this very command declares: it stays, whatever delete the engine still has for an earlier resource of the same thing.
import type { HostAddress } from "../host/address.ts";

export interface Declared {
  /** `removes`: what a removal of the resource would take from the host. */
  note(address: HostAddress, removes: string): void;
  has(address: HostAddress, removes: string): boolean;
  /** Another machine stands in this one's place by now: the program has its name, or its address, with another identity. */
  isSuperseded(address: HostAddress): boolean;
}

/**
 * By the machine's identity, for a host's name is a person's. The engine asks to check each resource that the program registers, before any
 * delete; in a destroy it asks for none, so there nothing is declared.
 */
export function createDeclared(): Declared {
  const things = new Set<string>();
  const machines = new Map<string, HostAddress>();
  const toKey = (address: HostAddress, removes: string): string => `${address.machineIdentity} ${removes}`;
  return {
    note: (address, removes) => {
      things.add(toKey(address, removes));
      machines.set(address.machineIdentity, address);
    },
    has: (address, removes) => things.has(toKey(address, removes)),
    isSuperseded: ({ name, host, port, machineIdentity }) =>
      !machines.has(machineIdentity) &&
      [...machines.values()].some((other) => other.name === name || (other.host === host && other.port === port)),
  };
}
