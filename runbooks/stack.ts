// Which host a runbook speaks of: the stack's config file, judged by its schema, and a pinned connection to one of its hosts.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CutterError } from "../orchestrator/core/errors.ts";
import { toTyped, withFlags } from "../orchestrator/core/run/next-step.ts";
import { parseStackConfig, type StackConfig } from "../provision/stack/config.ts";
import { findCheckout } from "../provision/checkout.ts";
import { connectToHost } from "../provision/host/pool.ts";
import type { RemoteHost } from "../provision/host/connection.ts";

/** Options every runbook has. */
export const stackOptions = { stack: { type: "string" }, host: { type: "string" } } as const;

/**
 * The stack that was named, or the only one this checkout has a config of: with two, nobody is taken for the one that was meant.
 * `folder`: where the configs lie, the checkout unless said.
 * @throws STACK_NOT_CHOSEN; STACK_CONFIG_INVALID when Pulumi.<stack>.yaml is missing or does not fit
 */
export function readStack(named: string | undefined, folder = findCheckout()): StackConfig {
  const stack = named ?? toOnlyStack(listStacks(folder));
  const file = join(folder, `Pulumi.${stack}.yaml`);
  return parseStackConfig(stack, readConfigValues(stack, file));
}

/** @throws STACK_NOT_CHOSEN */
export function toOnlyStack(stacks: readonly string[]): string {
  const [only] = stacks;
  if (only === undefined || stacks.length > 1) throw new CutterError("STACK_NOT_CHOSEN", { found: stacks.length === 0 ? "none" : stacks });
  return only;
}

/** The stacks that have a config here; no example is one. */
function listStacks(folder: string): readonly string[] {
  return readdirSync(folder)
    .flatMap((name) => /^Pulumi\.(.+)(?<!\.example)\.yaml$/.exec(name)?.[1] ?? [])
    .toSorted();
}

/** Which stack, and which of its hosts where it has several. */
export function toStackFlags(config: StackConfig, host: RemoteHost): Readonly<Record<string, string>> {
  return { "--stack": config.stack, ...(config.hosts.length > 1 ? { "--host": host.address.name } : {}) };
}

/** A runbook's command as it is typed for this host. Pure. */
export function toTypedFor(config: StackConfig, host: RemoteHost, argv: readonly string[]): string {
  return toTyped(withFlags(argv, toStackFlags(config, host)));
}

/** Connects, does the work, and closes, whatever happens. `hostName` is needed only where the stack has several hosts. */
export async function withHost<T>(config: StackConfig, hostName: string | undefined, work: (host: RemoteHost) => Promise<T>): Promise<T> {
  const address =
    hostName === undefined && config.hosts.length === 1 ? config.hosts[0] : config.hosts.find(({ name }) => name === hostName);
  if (address === undefined)
    throw new CutterError("STACK_CONFIG_INVALID", {
      stack: config.stack,
      problems: [`--host must be one of ${config.hosts.map(({ name }) => name).join(", ")}`],
    });
  const host = await connectToHost(address, config.agentKey);
  try {
    return await work(host);
  } finally {
    host.close();
  }
}

function readConfigValues(stack: string, file: string): Readonly<Record<string, unknown>> {
  const refuse = (problem: string): CutterError => new CutterError("STACK_CONFIG_INVALID", { stack, problems: [problem] });
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw refuse(
      stack === "sandbox"
        ? "Pulumi.sandbox.yaml cannot be read: npm run sandbox -- up writes it; for another stack's host give --stack"
        : `Pulumi.${stack}.yaml cannot be read: for a host of your own, copy Pulumi.contabo.example.yaml and fill it in`,
    );
  }
  const parsed: unknown = parse(text);
  const config = typeof parsed === "object" && parsed !== null && "config" in parsed ? parsed.config : null;
  if (typeof config !== "object" || config === null) throw refuse("it has no config:");
  return config as Readonly<Record<string, unknown>>;
}
