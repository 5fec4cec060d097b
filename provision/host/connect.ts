// A connection for the operator's scripts: from the stack config to the pinned host, the same way the provider does it.
import type { HostAddress } from "./address.ts";
import { findAgentSocket } from "./agent-socket.ts";
import { openConnection, type RemoteHost } from "./connection.ts";

/** The caller closes it. @throws as `openConnection` does. */
export async function connectToHost(address: HostAddress): Promise<RemoteHost> {
  return await openConnection(address, findAgentSocket(address));
}
