// A TCP connection to a host by name: every address it has gets its chance, however slow, and a failure says what each of them answered.
import { lookup } from "node:dns/promises";
import { connect, type Socket } from "node:net";

/** After this the next address is tried beside those that have not answered; Node's own 250 ms give a slow one up for a dead one. */
const staggerMs = 500;

const lookupAll = async (host: string): Promise<readonly { readonly address: string }[]> => await lookup(host, { all: true });

/**
 * The first address to answer wins, and the others are closed. `resolve` is a parameter for tests.
 * @throws Error that says what was seen at each address; never an empty one
 */
export async function openSocket(host: string, port: number, deadlineMs: number, resolve = lookupAll): Promise<Socket> {
  const deadlineAt = Date.now() + deadlineMs;
  const addresses = await Promise.race([resolve(host), toLate(deadlineMs)]);
  if (addresses === null) throw new Error(`the name was not resolved within ${deadlineMs / 1000} s`);
  return await connectToFirst([...new Set(addresses.map(({ address }) => address))], port, deadlineAt - Date.now());
}

function connectToFirst(addresses: readonly string[], port: number, deadlineMs: number): Promise<Socket> {
  const sockets = new Map<string, Socket>();
  const seen = new Map(addresses.map((address) => [address, "no answer"]));
  return new Promise((done, fail) => {
    const timers: NodeJS.Timeout[] = [];
    const finish = (winner: Socket | null): void => {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets.values()) if (socket !== winner) socket.destroy();
      if (winner === null)
        fail(new Error([...seen].map(([address, what]) => `${address}: ${what}`).join("; ") || "the name has no address"));
      else done(winner);
    };
    const begin = (index: number): void => {
      const address = addresses[index];
      if (address === undefined || sockets.has(address)) return;
      const socket = connect({ host: address, port, autoSelectFamily: false });
      sockets.set(address, socket);
      socket.on("error", (error) => {
        seen.set(address, "code" in error ? String(error.code) : error.message);
        if ([...seen.values()].every((what) => what !== "no answer")) finish(null);
        else begin(index + 1);
      });
      socket.once("connect", () => finish(socket));
      timers.push(setTimeout(begin, staggerMs, index + 1));
    };
    timers.push(setTimeout(finish, deadlineMs, null));
    if (addresses.length === 0) finish(null);
    else begin(0);
  });
}

async function toLate(ms: number): Promise<null> {
  return await new Promise((done) => setTimeout(done, ms, null).unref());
}
