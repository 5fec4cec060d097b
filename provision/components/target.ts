// What every component of one host gets: the host, what may be adopted, and names that tell the host.
import { log, runtime, type ComponentResource, type CustomResourceOptions, type Input, type Resource } from "@pulumi/pulumi";
import { setImmediate as nextTurn } from "node:timers/promises";
import { readForeignProblem } from "../provider/resources.ts";
import type { StackConfig } from "../config.ts";
import type { HostAddress } from "../host/address.ts";

export interface HostTarget {
  readonly host: HostAddress;
  readonly config: StackConfig;
  /** The inputs every resource has; `claim` as in the ownership manifest: a path, user:NAME or group:NAME. */
  readonly base: (claim: string) => { readonly host: Input<HostAddress>; readonly adopt: boolean };
  /** `sandbox/etc/cutter`: host and path, unique in the stack. */
  readonly nameOf: (path: string) => string;
}

/** Every resource waits until the host was looked at for all that the program declares; a preview warns of what an up will refuse. */
export function toTarget(config: StackConfig, host: HostAddress): HostTarget {
  const claims: string[] = [];
  const look = async (): Promise<HostAddress> => {
    await nextTurn(); // components are declared in one turn: all claims are known by then
    const problem = await readForeignProblem(host, claims);
    if (problem !== null && runtime.isDryRun()) void log.warn(problem);
    return host;
  };
  let looked: Promise<HostAddress> | null = null;
  return {
    host,
    config,
    base: (claim) => {
      const adopt = config.adopt.includes(claim);
      if (!adopt) claims.push(claim);
      looked ??= look();
      return { host: looked, adopt };
    },
    nameOf: (path) => `${host.name}${path.startsWith("/") ? "" : "/"}${path}`,
  };
}

/** Options of a child that waits for others. */
export function under(parent: ComponentResource, dependsOn: readonly Resource[] = []): CustomResourceOptions {
  return { parent, dependsOn: [...dependsOn] };
}
