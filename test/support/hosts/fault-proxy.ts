// A TCP proxy in front of a server, to break a line at a chosen moment and in a chosen way. Listens on loopback only.
import { connect, createServer, type Socket } from "node:net";

export interface FaultProxy {
  readonly port: number;
  /** What the server says next goes nowhere: the client's line is cut instead. */
  swallowAnswers(): void;
  /** What the client says next goes nowhere: the server's line is cut at once, the client's with it. */
  swallowQuestions(): void;
  /** Nothing goes through any more, on any line, and nobody is told: a black hole. */
  stall(): void;
  /** The same for the lines that are open now; a new line works. */
  stallOpen(): void;
  /** Each way takes so much longer, as on a line to another continent. */
  slow(delayMs: number): void;
  /** Every new line works again, as fast as it is; a line that was stalled stays so. */
  pass(): void;
  /** Once `bytes` more came from this side, over all lines, `act` is called before they are passed on. */
  afterBytes(from: "client" | "server", bytes: number, act: () => void): void;
  /** Every line is cut, on both sides, as when the client's process is killed. */
  cutAll(): void;
  stop(): Promise<void>;
}

interface ProxiedConnection {
  readonly client: Socket;
  readonly upstream: Socket;
  stalled: boolean;
}

/** `target` is a port of `host`: this machine or one of the project's own test hosts. */
export async function startFaultProxy(target: number, host = "127.0.0.1"): Promise<FaultProxy> {
  const connections: ProxiedConnection[] = [];
  let mode: "passing" | "no answers" | "no questions" | "stalled" = "passing";
  let delayMs = 0;
  let watch: { readonly from: "client" | "server"; left: number; readonly act: () => void } | null = null;
  const cutAll = (): void => {
    for (const { client, upstream } of connections) [client, upstream].forEach((socket) => socket.destroy());
  };
  const stallOpen = (): void => {
    for (const connection of connections) connection.stalled = true;
  };
  const later = (pass: () => void): void => void (delayMs === 0 ? pass() : setTimeout(pass, delayMs));
  const count = (from: "client" | "server", bytes: number): void => {
    if (watch?.from !== from) return;
    watch.left -= bytes;
    if (watch.left > 0) return;
    const { act } = watch;
    watch = null;
    act();
  };
  const proxy = createServer((client) => {
    const connection: ProxiedConnection = { client, upstream: connect(target, host), stalled: false };
    const { upstream } = connection;
    const isStalled = (): boolean => connection.stalled || mode === "stalled";
    connections.push(connection);
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
    client.on("data", (chunk) => {
      count("client", chunk.length);
      if (mode === "no questions") cutAll();
      else if (!isStalled()) later(() => passOn(chunk, client, upstream));
    });
    upstream.on("data", (chunk) => {
      count("server", chunk.length);
      if (mode === "no answers") client.destroy();
      else if (!isStalled()) later(() => passOn(chunk, upstream, client));
    });
    client.on("close", () => isStalled() || upstream.destroy());
    upstream.on("close", () => isStalled() || client.destroy());
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const set = (next: typeof mode) => (): void => {
    mode = next;
  };
  return {
    port: address.port,
    swallowAnswers: set("no answers"),
    swallowQuestions: set("no questions"),
    stall: set("stalled"),
    stallOpen,
    slow: (ms) => void (delayMs = ms),
    pass: () => {
      delayMs = 0;
      mode = "passing";
    },
    afterBytes: (from, bytes, act) => {
      watch = { from, left: bytes, act };
    },
    cutAll,
    stop: () =>
      new Promise((done) => {
        cutAll();
        proxy.close(() => done());
      }),
  };
}

/** As slow as the slower side: an upload must not end in the proxy's memory. */
function passOn(chunk: Buffer, from: Socket, to: Socket): void {
  if (to.destroyed || to.write(chunk)) return;
  from.pause();
  to.once("drain", () => from.resume());
}
