// A TCP proxy in front of a server, to break a line at a chosen moment and in a chosen way. Loopback only.
import { connect, createServer, type Socket } from "node:net";

export interface CuttingProxy {
  readonly port: number;
  /** What the server says next goes nowhere: the client's line is cut instead. */
  swallowAnswers(): void;
  /** What the client says next goes nowhere: the server's line is cut at once, the client's with it. */
  swallowQuestions(): void;
  /** Nothing goes through any more, and nobody is told: a black hole. */
  stall(): void;
  /** Every line is cut, on both sides, as when the client's process is killed. */
  cutAll(): void;
  stop(): Promise<void>;
}

/** `target` is a port of 127.0.0.1. */
export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets: Socket[] = [];
  let mode: "passing" | "no answers" | "no questions" | "stalled" = "passing";
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const proxy = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
    client.on("data", (chunk) => {
      if (mode === "no questions") cutAll();
      else if (mode !== "stalled") upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (mode === "no answers") client.destroy();
      else if (mode !== "stalled") client.write(chunk);
    });
    client.on("close", () => mode !== "stalled" && upstream.destroy());
    upstream.on("close", () => mode !== "stalled" && client.destroy());
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
    cutAll,
    stop: () =>
      new Promise((done) => {
        cutAll();
        proxy.close(() => done());
      }),
  };
}
