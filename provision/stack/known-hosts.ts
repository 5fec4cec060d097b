// Pulumi.<stack>.known_hosts: where the stack's hosts are and which key each shows, for runbooks/disable, which has neither Node nor a
// parser of YAML.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { findCheckout } from "../checkout.ts";
import type { HostAddress } from "../host/address.ts";
import type { StackConfig } from "./config.ts";

/** The file's name in the checkout; git ignores it, because it names production hosts. */
export const toKnownHostsName = (stack: string): string => `Pulumi.${stack}.known_hosts`;

/** One line a host, in ssh's known_hosts format: `ADDRESS` or `[ADDRESS]:PORT`, key type, base64, the host's name as the comment. Pure. */
export function toKnownHosts(stack: string, hosts: readonly HostAddress[]): string {
  return [
    `# Hosts of stack ${stack} for runbooks/disable. pulumi up, runbooks/enable and runbooks/configure write it; pulumi destroy keeps it.`,
    ...hosts.map(({ name, host, port, hostKey }) => `${toPlace(host, port)} ${hostKey} ${name}`),
    "",
  ].join("\n");
}

/**
 * Replaces the file in one step, also when its text stays: its time says when the config was read last. May be repeated.
 * @returns the lines that stood there and are of no host of the config any more: runbooks/disable no longer asks those.
 * @throws STACK_CONFIG_INVALID when it cannot be written; a host that cannot be switched off must not be armed.
 */
export function writeKnownHosts({ stack, hosts }: Pick<StackConfig, "stack" | "hosts">, folder = findCheckout()): readonly string[] {
  const name = toKnownHostsName(stack);
  const file = join(folder, name);
  const text = toKnownHosts(stack, hosts);
  const before = toHostLines(readIfThere(file));
  const written = `${file}.${String(process.pid)}`;
  try {
    writeFileSync(written, text);
    renameSync(written, file);
  } catch (cause) {
    rmSync(written, { force: true });
    const problem = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new CutterError(
      "STACK_CONFIG_INVALID",
      { stack, problems: [`${name} cannot be written: ${problem}; runbooks/disable would know no host`] },
      { cause },
    );
  }
  const places = new Set(hosts.map(({ host, port }) => toPlace(host, port)));
  return before.filter((line) => !places.has(line.split(/\s/)[0] ?? ""));
}

/** What a person reads of hosts that left the file. Pure. */
export function toLeftLine(stack: string, left: readonly string[]): string {
  const places = left.map((line) => line.split(/\s/)[0] ?? "").join(", ");
  return (
    `${toKnownHostsName(stack)} no longer names ${places}, as the stack's config does not: runbooks/disable asks it no more; ` +
    "where something may still be armed there: runbooks/disable --host ADDRESS --port P --host-key 'TYPE BASE64'"
  );
}

/** Brackets that a person wrote around an IPv6 address are no part of it. */
function toPlace(host: string, port: number): string {
  const address = host.replace(/^\[(.*)\]$/, "$1");
  return port === 22 ? address : `[${address}]:${String(port)}`;
}

function toHostLines(text: string): readonly string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // absent or unreadable: then nothing is known of before
  }
}
