// One connection per host for the whole process; opened on first use, opened again after a cut, never after a refusal.
import { CutterError } from "../../orchestrator/core/errors.ts";
import type { HostAddress } from "./address.ts";
import { findAgentKey, findAgentSocket } from "./agent-socket.ts";
import { openConnection, type RemoteHost } from "./connection.ts";

export interface HostPool {
  /** The open connection to this host. A refusal (key, identity, authentication) is remembered and given again without a second try. */
  get(address: HostAddress): Promise<RemoteHost>;
  /** A connection of the caller's own, made now; the caller closes it. What a pooled one cannot show: that the host still lets us in. */
  openFresh(address: HostAddress): Promise<RemoteHost>;
  closeAll(): Promise<void>;
}

interface ConnectionAttempt {
  readonly host: Promise<RemoteHost>;
  settled: boolean;
}

/**
 * As the operator: with the agent that speaks for this host. `agentKey`: the one key to offer (cutter-kit:agentKey); unless given, what the
 * environment names. The caller closes it.
 * @throws as `openConnection` does.
 */
export async function connectToHost(address: HostAddress, agentKey: string | null = findAgentKey()): Promise<RemoteHost> {
  return await openConnection(address, { socket: findAgentSocket(address), wanted: agentKey });
}

/** `open` is a parameter for tests only. */
export function createHostPool(open: (address: HostAddress) => Promise<RemoteHost> = (address) => connectToHost(address)): HostPool {
  const connections = new Map<string, ConnectionAttempt>();

  const get = async (address: HostAddress): Promise<RemoteHost> => {
    const key = JSON.stringify(address);
    const current = connections.get(key);
    if (current !== undefined) {
      const waited = !current.settled;
      const outcome = await current.host.then(
        (host) => ({ host }),
        (error: unknown) => ({ error }),
      );
      if ("host" in outcome && outcome.host.isOpen()) return outcome.host;
      // Who waited for an attempt shares its failure: thirty resources must not wait for thirty deadlines, one after the other.
      if ("error" in outcome && (waited || !isWorthAnotherTry(outcome.error))) throw outcome.error;
      // Another caller may have replaced the entry while we waited.
      if (connections.get(key) !== current) return await get(address);
    }
    const attempt: ConnectionAttempt = { host: open(address), settled: false };
    connections.set(key, attempt);
    return await attempt.host.finally(() => (attempt.settled = true));
  };

  return {
    get,
    openFresh: open,
    closeAll: async () => {
      const settled = await Promise.allSettled([...connections.values()].map(({ host }) => host));
      for (const outcome of settled) if (outcome.status === "fulfilled") outcome.value.close();
      connections.clear();
    },
  };
}

function isWorthAnotherTry(error: unknown): boolean {
  return error instanceof CutterError && error.code === "HOST_UNREACHABLE";
}
