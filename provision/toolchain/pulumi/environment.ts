// The environment the Pulumi engine runs in: private home, local state, Node 24 first on PATH, and the ssh agent that fits the stack.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { fixedEnvironment } from "../bootstrap/home.mjs";
import { thisCheckout, toolchainLayout } from "../bootstrap/layout.mjs";

export const sandboxStack = "sandbox";

/**
 * Everything to set for an engine of this checkout; to be laid over the caller's own environment.
 * A PULUMI_BACKEND_URL of the caller's own (team state: s3://, postgres://) stays, except for the sandbox stack, whose state is always
 * local. `stack` decides the ssh agent: the sandbox stack gets the sandbox's, any other the caller's.
 */
export function pulumiEnvironment(
  checkout: string = thisCheckout,
  stack: string | null = sandboxStack,
  caller: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const layout = toolchainLayout(checkout, caller);
  const environment = fixedEnvironment(layout);
  const path = [layout.engineBin, layout.nodeBin, ...(caller.PATH ?? "").split(":").filter((folder) => folder !== layout.wrapperBin)];
  environment.PATH = [...new Set(path)].join(":");
  if (stack === sandboxStack) {
    const agentSocket = readSandboxAgentSocket(checkout);
    if (agentSocket !== null) environment.SSH_AUTH_SOCK = agentSocket;
    return environment;
  }
  const ownBackend = toOwnBackend(caller);
  if (ownBackend !== null) environment.PULUMI_BACKEND_URL = ownBackend;
  const ownPassphraseFile = caller.PULUMI_CONFIG_PASSPHRASE_FILE ?? "";
  if (ownPassphraseFile !== "" && !ownPassphraseFile.endsWith("/.pulumi-state/passphrase"))
    environment.PULUMI_CONFIG_PASSPHRASE_FILE = ownPassphraseFile;
  return environment;
}

/**
 * The backend's URL as the engine gets it. Beside each file of local state the engine would write one with its attributes, in place:
 * killed while it does, it leaves a state that no command of its own can load ("failed to load checkpoint: EOF"), and a program that
 * reads its state meanwhile meets the same. Nothing needs those attributes, so the engine is told to write none.
 */
export function toBackendUrl(url: string): string {
  if (!url.startsWith("file://") || /[?&]metadata=/.test(url)) return url;
  return `${url}${url.includes("?") ? "&" : "?"}metadata=skip`;
}

/**
 * Loopback in every list of names that are reached without a proxy: engine, program and plugins talk to each other there, and gRPC asks
 * `https_proxy` also for that. Names are separated by commas alone, because gRPC takes a blank for a part of the name.
 */
export function toNoProxy(caller: NodeJS.ProcessEnv): Record<string, string> {
  const toList = (...lists: readonly (string | undefined)[]): string =>
    [...new Set([...lists.flatMap((list) => (list ?? "").split(/[\s,]+/)), "localhost", "127.0.0.1", "::1"])].filter(Boolean).join(",");
  const all = toList(caller["no_proxy"], caller["NO_PROXY"]);
  const own = caller["no_grpc_proxy"] ?? ""; // gRPC's own list wins over the others
  return { no_proxy: all, NO_PROXY: all, ...(own === "" ? {} : { no_grpc_proxy: toList(own) }) };
}

/**
 * The stack a command line means: `--stack`, `-s`, PULUMI_STACK, else the one selected for the project of `workingDirectory`; null when
 * none.
 */
export function toStackName(args: readonly string[], workingDirectory: string, checkout: string, caller: NodeJS.ProcessEnv): string | null {
  const named = toStackOption(args) ?? caller.PULUMI_STACK ?? readSelectedStack(workingDirectory, checkout, caller);
  return named === null || named === "" ? null : (named.split("/").at(-1) ?? null);
}

/** Then the engine goes on with the others when one of them fails, and fails at the end. */
export function hasSeveralHosts(workingDirectory: string, stack: string): boolean {
  const file = join(workingDirectory, `Pulumi.${stack}.yaml`);
  return existsSync(file) && hasKey(readYaml(file), "config", "cutter-kit:hosts");
}

/** What is no YAML the engine refuses by itself. */
function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

function hasKey(content: unknown, ...fields: readonly string[]): boolean {
  let value = content;
  for (const field of fields) value = typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined;
  return value !== undefined && value !== null;
}

/** The one ssh key to offer, by `cutter-kit:agentKey` of the stack's file; what the engine starts finds it in its environment. */
export function readAgentKey(workingDirectory: string, stack: string): string {
  const file = join(workingDirectory, `Pulumi.${stack}.yaml`);
  return existsSync(file) ? (toStringAt(readYaml(file), "config", "cutter-kit:agentKey") ?? "") : "";
}

/** Whether the command line is a `pulumi destroy`, by whichever of its names. */
export function isDestroy(args: readonly string[]): boolean {
  const operands = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined).filter((arg, index) => {
    const before = args[index - 1] ?? "";
    return !arg.startsWith("-") && !["--stack", "-s", "--cwd", "-C", "--color"].includes(before);
  });
  return ["destroy", "down", "dn"].includes(operands[0] ?? "");
}

function toStackOption(args: readonly string[]): string | null {
  for (const [index, arg] of args.entries()) {
    if (arg === "--") return null;
    if (arg === "--stack" || arg === "-s") return args[index + 1] ?? null;
    const joined = /^(?:--stack=|-s=?)(.+)$/.exec(arg)?.[1];
    if (joined !== undefined) return joined;
  }
  const operands = args.filter((arg) => !arg.startsWith("-"));
  const [command, verb, name] = operands;
  return command === "stack" && (verb === "select" || verb === "init" || verb === "rm") ? (name ?? null) : null;
}

/** Pulumi keeps the selection, per backend, in `$PULUMI_HOME/workspaces/<project>-<sha1 of the project file's path>-workspace.json`. */
function readSelectedStack(workingDirectory: string, checkout: string, caller: NodeJS.ProcessEnv): string | null {
  const projectFile = join(workingDirectory, "Pulumi.yaml");
  if (!existsSync(projectFile)) return null;
  const project = /^name:\s*["']?([A-Za-z0-9_.-]+)/m.exec(readFileSync(projectFile, "utf8"))?.[1] ?? "";
  const digest = createHash("sha1").update(projectFile).digest("hex");
  const layout = toolchainLayout(checkout, caller);
  const file = join(layout.pulumiHome, "workspaces", `${project}-${digest}-workspace.json`);
  const backend = toOwnBackend(caller) ?? fixedEnvironment(layout).PULUMI_BACKEND_URL ?? "";
  return existsSync(file) ? toStringAt(readJson(file), "stacks", backend) : null;
}

/** The agent the running sandbox of this checkout has started, or null when there is no sandbox. */
function readSandboxAgentSocket(checkout: string): string | null {
  const file = join(checkout, ".sandbox/state.json");
  return existsSync(file) ? toStringAt(readJson(file), "agentSocket") : null;
}

/** A backend the caller has chosen, which is not the local one of this or another checkout. */
function toOwnBackend(caller: NodeJS.ProcessEnv): string | null {
  const url = caller.PULUMI_BACKEND_URL ?? "";
  return url === "" || /\/\.pulumi-state\/backend(\?|$)/.test(url) ? null : toBackendUrl(url);
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** The non-empty string below these fields, or null. */
function toStringAt(content: unknown, ...fields: readonly string[]): string | null {
  let value = content;
  for (const field of fields) value = typeof value === "object" && value !== null ? Reflect.get(value, field) : null;
  return typeof value === "string" && value !== "" ? value : null;
}
