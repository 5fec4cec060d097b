// From `--stack` and `--host` to one pinned host: what every runbook begins with.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "yaml";
import { CutterError } from "../orchestrator/core/errors.ts";
import { parseStackConfig, type StackConfig } from "../provision/config.ts";
import type { HostAddress } from "../provision/host/address.ts";
import { findCheckout } from "../provision/host/checkout.ts";

export interface StackTarget {
  readonly config: StackConfig;
  readonly address: HostAddress;
}

/**
 * The stack's config as it stands beside Pulumi.yaml; without `stack` the only one there is, without `host` the only host it has.
 * @throws STACK_NOT_CHOSEN naming the choices, STACK_CONFIG_INVALID
 */
export function readStackTarget(stack: string | undefined, host: string | undefined): StackTarget {
  const checkout = findCheckout();
  const stacks = readdirSync(checkout).flatMap((name) => /^Pulumi\.([a-z0-9-]+)\.yaml$/.exec(name)?.[1] ?? []);
  const chosen = stack ?? (stacks.length === 1 ? stacks[0] : undefined);
  if (chosen === undefined || !existsSync(resolve(checkout, `Pulumi.${chosen}.yaml`))) {
    throw new CutterError("STACK_NOT_CHOSEN", { asked: stack ?? "none", stacks });
  }
  const { config: raw } = parse(readFileSync(resolve(checkout, `Pulumi.${chosen}.yaml`), "utf8")) as { readonly config: Readonly<Record<string, unknown>> };
  const config = parseStackConfig(chosen, raw);
  const address = host === undefined && config.hosts.length === 1 ? config.hosts[0] : config.hosts.find(({ name }) => name === host);
  if (address === undefined) throw new CutterError("STACK_NOT_CHOSEN", { stack: chosen, asked_host: host ?? "none", hosts: config.hosts.map(({ name }) => name) });
  return { config, address };
}
