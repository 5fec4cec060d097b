// What every component of one host gets: the host, what may be adopted, and names that tell the host.
import type { ComponentResource, CustomResourceOptions, Resource } from "@pulumi/pulumi";
import type { StackConfig } from "../config.ts";
import type { HostAddress } from "../host/address.ts";

export interface HostTarget {
  readonly host: HostAddress;
  readonly config: StackConfig;
  /** The inputs every resource has; `claim` as in the ownership manifest: a path, user:NAME or group:NAME. */
  readonly base: (claim: string) => { readonly host: HostAddress; readonly adopt: boolean };
  /** `sandbox/etc/cutter`: host and path, unique in the stack. */
  readonly nameOf: (path: string) => string;
}

export function toTarget(config: StackConfig, host: HostAddress): HostTarget {
  return {
    host,
    config,
    base: (claim) => ({ host, adopt: config.adopt.includes(claim) }),
    nameOf: (path) => `${host.name}${path.startsWith("/") ? "" : "/"}${path}`,
  };
}

/** Options of a child that waits for others. */
export function under(parent: ComponentResource, dependsOn: readonly Resource[] = []): CustomResourceOptions {
  return { parent, dependsOn: [...dependsOn] };
}
