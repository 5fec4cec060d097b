// What every component of one host gets: the host, what may be adopted, and names that tell the host.
import type { ComponentResource, CustomResourceOptions, Input, Resource } from "@pulumi/pulumi";
import { preflightHost, noteRecorded } from "./declare.ts";
import type { StackConfig } from "../stack/config.ts";
import type { HostAddress } from "../host/address.ts";

export interface HostTarget {
  readonly host: HostAddress;
  readonly config: StackConfig;
  /**
   * The inputs every resource has; `claim` as in the ownership manifest: a path, user:NAME, group:NAME, or file#NAME with the `value` that
   * line may have already; of orchestrator.yaml the text it is to have, which tells a guard what an up would change.
   */
  readonly base: (claim: string, value?: string) => { readonly host: Input<HostAddress>; readonly adopt: boolean };
  /** `sandbox/etc/cutter`: host and path, unique in the stack. */
  readonly nameOf: (path: string) => string;
}

/** Every resource waits until the host was looked at for all that the program declares. */
export function toTarget(config: StackConfig, host: HostAddress): HostTarget {
  const claims: string[] = [];
  const lines = new Map<string, string>();
  const runPreflight = async (): Promise<HostAddress> => {
    await noteRecorded(); // and components are declared in one turn: all claims are known by then
    await preflightHost(host, claims, lines);
    return host;
  };
  let preflight: Promise<HostAddress> | null = null;
  return {
    host,
    config,
    base: (claim, value) => {
      const adopt = config.adopt.includes(claim);
      if (!adopt) claims.push(claim);
      if (value !== undefined) lines.set(claim, value);
      preflight ??= runPreflight();
      return { host: preflight, adopt };
    },
    nameOf: (path) => `${host.name}${path.startsWith("/") ? "" : "/"}${path}`,
  };
}

/** Options of a child that waits for others. */
export function toChildOptions(parent: ComponentResource, dependsOn: readonly Resource[] = []): CustomResourceOptions {
  return { parent, dependsOn: [...dependsOn] };
}
