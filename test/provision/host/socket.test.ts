// A host's addresses, on loopback: the slow one is waited for, a dead one does not stand in its way, and a failure has words.
import { spawn } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";
import { expect, it } from "vitest";
import { openSocket } from "../../../provision/host/socket.ts";

const listen = async (host: string): Promise<{ readonly port: number; readonly close: () => void }> => {
  const server = createServer(() => undefined).listen(0, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, close: () => server.close() };
};
const at =
  (...addresses: readonly string[]) =>
  () =>
    Promise.resolve(addresses.map((address) => ({ address })));

/** Listens, and takes nobody for a while: its queue is full at once, so the next handshake waits for the kernel's second try. */
const slowServer = `const s = require("net").createServer(() => {}); s.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
  require("fs").writeSync(1, s.address().port + "\\n"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700); });`;

it("waits for an address whose handshake is slow, beside one that is not there", async () => {
  const child = spawn(process.execPath, ["-e", slowServer], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(said.toString());
  const fillers: Socket[] = Array.from({ length: 4 }, () => connect({ host: "127.0.0.1", port }).on("error", () => undefined));
  await once(fillers[0] ?? child, "connect");
  const startedMs = performance.now();
  const socket = await openSocket("both", port, 10_000, at("127.0.0.1", "::1"));
  expect(socket.remoteAddress).toBe("127.0.0.1");
  expect(performance.now() - startedMs).toBeGreaterThan(250);
  for (const open of [socket, ...fillers]) open.destroy();
  child.kill();
});

it("goes on to the next address at once where one refuses", async () => {
  const { port, close } = await listen("127.0.0.1");
  const socket = await openSocket("both", port, 5_000, at("127.0.0.2", "127.0.0.1"));
  expect(socket.remoteAddress).toBe("127.0.0.1");
  socket.destroy();
  close();
});

it("says what each address answered, that a name has none, and that none answered in time", async () => {
  const { port, close } = await listen("127.0.0.1");
  close();
  await expect(openSocket("both", port, 5_000, at("127.0.0.1", "127.0.0.2"))).rejects.toThrow(
    "127.0.0.1: ECONNREFUSED; 127.0.0.2: ECONNREFUSED",
  );
  await expect(openSocket("none", port, 5_000, at())).rejects.toThrow("the name has no address");
  await expect(openSocket("slow", port, 20, () => new Promise(() => undefined))).rejects.toThrow("the name was not resolved within 0.02 s");
  await expect(openSocket("no-such-name.invalid", port, 5_000)).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
});
