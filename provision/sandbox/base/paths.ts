// Which sandbox belongs to a checkout: name, interface and every path, all derived from the checkout's own path.
import { createHash } from "node:crypto";
import { homedir, userInfo } from "node:os";
import { isAbsolute, resolve } from "node:path";

/** Where a sandbox keeps what. `runtimeDirectory` is short on purpose: socket paths must stay under 108 bytes. */
export interface SandboxPaths {
  readonly checkout: string;
  readonly name: string; // at most 12 characters, so that "ve-" + name is an interface name
  readonly outerInterface: string;
  readonly directory: string;
  readonly rootDirectory: string;
  readonly keysDirectory: string;
  readonly tlsDirectory: string;
  readonly stateFile: string;
  readonly supervisorFile: string;
  readonly consoleLog: string;
  readonly knownHosts: string;
  readonly stackFile: string;
  readonly stackKnownHosts: string; // written by up and the runbooks, for runbooks/disable
  readonly runtimeDirectory: string;
  readonly agentSocket: string;
}

/** The checkout this source file stands in. */
export const thisCheckout: string = resolve(import.meta.dirname, "../../..");

/** Pure: the same checkout path always gives the same place; two checkouts never share one. */
export function toSandboxPaths(checkout: string): SandboxPaths {
  const name = `ck-${checkoutDigest(checkout).subarray(0, 4).toString("hex")}`;
  const directory = `${checkout}/.sandbox`;
  const runtimeDirectory = `/run/cutter-kit/${name}`;
  return {
    checkout,
    name,
    outerInterface: `ve-${name}`,
    directory,
    rootDirectory: `${directory}/root`,
    keysDirectory: `${directory}/keys`,
    tlsDirectory: `${directory}/tls`,
    stateFile: `${directory}/state.json`,
    supervisorFile: `${directory}/supervisor.json`,
    consoleLog: `${directory}/console.log`,
    knownHosts: `${directory}/known_hosts`,
    stackFile: `${checkout}/Pulumi.sandbox.yaml`,
    stackKnownHosts: `${checkout}/Pulumi.sandbox.known_hosts`,
    runtimeDirectory,
    agentSocket: `${runtimeDirectory}/agent`,
  };
}

/** sha256 of the checkout's path: seed of its name and of its subnet. */
export function checkoutDigest(checkout: string): Buffer {
  return createHash("sha256").update(`cutter-kit sandbox ${checkout}`).digest();
}

/** The user's own folder; where HOME is empty or no path, the one of the account. */
export const userHome: string = isAbsolute(homedir()) ? homedir() : userInfo().homedir;

/** Images are shared by all checkouts of this user and outlive every sandbox. */
export function imageCacheDirectory(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const given = environment["XDG_CACHE_HOME"] ?? "";
  return `${isAbsolute(given) ? given : `${userHome}/.cache`}/cutter-kit/images`;
}
