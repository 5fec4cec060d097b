// Which ssh-agent speaks for the operator: the sandbox's own for the sandbox, SSH_AUTH_SOCK for every other host.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import type { HostAddress } from "./address.ts";
import { findCheckout } from "../checkout.ts";

const sandboxStateSchema = z.looseObject({ machineIdentity: z.string(), agentSocket: z.string() });

/** @returns the socket's path, or null if there is no agent. It is never a resource input, so it is in no state. */
export function findAgentSocket(address: HostAddress, environment: NodeJS.ProcessEnv = process.env): string | null {
  const sandbox = readSandboxState();
  if (sandbox !== null && sandbox.machineIdentity === address.machineIdentity) return sandbox.agentSocket;
  const socket = environment["SSH_AUTH_SOCK"];
  return socket === undefined || socket === "" ? null : socket;
}

/** The key of that agent which the stack names; the kit's engine is started with it (`npm run pulumi`). null: any. */
export function findAgentKey(environment: NodeJS.ProcessEnv = process.env): string | null {
  const fingerprint = environment["CUTTER_KIT_AGENT_KEY"] ?? "";
  return fingerprint === "" ? null : fingerprint;
}

function readSandboxState(): z.infer<typeof sandboxStateSchema> | null {
  try {
    return sandboxStateSchema.parse(JSON.parse(readFileSync(resolve(findCheckout(), ".sandbox/state.json"), "utf8")));
  } catch {
    return null; // no sandbox in this checkout, or none that is ready: then it is not the host we speak of
  }
}
