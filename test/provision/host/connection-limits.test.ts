// What a server limits, and what the agent holds, against a real SSH server on loopback: keys, sessions, bytes.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toHostIdentity } from "../../../orchestrator/core/host/identity.ts";
import { openConnection } from "../../../provision/host/connection.ts";
import { startSshAgent } from "../../support/hosts/ssh-agent.ts";
import { createSshKeyPair } from "../../support/hosts/ssh-keys.ts";
import { startSshServer, type ServerOptions, type TestSshServer } from "../../support/hosts/ssh-server.ts";

const machineId = "0123456789abcdef0123456789abcdef";
const originalPath = process.env["PATH"];
const strangers = Array.from({ length: 7 }, () => createSshKeyPair().private);
const ends: (() => Promise<void>)[] = [];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ck-"));
  writeFileSync(join(folder, "cat"), `#!/bin/sh\n[ "$1" = /etc/machine-id ] && { echo ${machineId}; exit; }\nexec /bin/cat "$@"\n`);
  chmodSync(join(folder, "cat"), 0o755);
  process.env["PATH"] = `${folder}:${originalPath}`;
});
afterAll(async () => {
  process.env["PATH"] = originalPath;
  for (const end of ends) await end();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(limits: ServerOptions = {}): Promise<TestSshServer> {
  const server = await startSshServer(folder, [], "", limits);
  ends.push(server.stop);
  return server;
}

/** A new agent that holds these keys. */
async function hold(...keys: readonly string[]): Promise<string> {
  const socket = join(folder, `agent-${ends.length}`);
  ends.push(await startSshAgent(socket, ...keys));
  return socket;
}

const toAddress = ({ port, hostKey }: TestSshServer) => ({
  name: "test",
  host: "127.0.0.1",
  port,
  user: "root" as const,
  hostKey: hostKey.split(" ").slice(0, 2).join(" "),
  machineIdentity: toHostIdentity(machineId) ?? "",
});
const fingerprints = (socket: string): readonly string[] =>
  spawnSync("ssh-add", ["-l"], { env: { SSH_AUTH_SOCK: socket, PATH: originalPath ?? "" }, encoding: "utf8" })
    .stdout.trim()
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");

it("of eight keys offers the one that the stack names, and no other; unnamed, the first six, and says which", async () => {
  const server = await serve();
  const socket = await hold(...strangers, server.clientKey);
  const all = fingerprints(socket);
  expect(all).toHaveLength(8);
  await expect(openConnection(toAddress(server), { socket, wanted: null })).rejects.toMatchObject({
    code: expect.stringMatching(/^HOST_(AUTH_REFUSED|UNREACHABLE)$/), // this server ends the line without sshd's sentence
  });
  expect(server.logins).toHaveLength(6);
  const host = await openConnection(toAddress(server), { socket, wanted: all[7] ?? "" });
  expect(await host.run("echo in", [], { timeoutMs: 10_000 })).toMatchObject({ code: 0, stdout: "in\n" });
  host.close();
  const generous = await serve({ tries: 20 });
  await expect(openConnection(toAddress(generous), { socket, wanted: null })).rejects.toMatchObject({
    code: "HOST_AUTH_REFUSED",
    facts: { offered: all.slice(0, 6), held_back: all.slice(6) },
  });
});

it("reaches the right key among the first six without a name", async () => {
  const server = await serve();
  const host = await openConnection(toAddress(server), { socket: await hold(...strangers.slice(0, 5), server.clientKey), wanted: null });
  expect(server.logins.filter((method) => method === "publickey").length).toBeGreaterThanOrEqual(6);
  host.close();
});

it("an empty agent, a dead one, none, and one without the named key are told apart, and the host is not asked", async () => {
  const server = await serve();
  const say = async (socket: string | null, wanted: string | null = null) =>
    await openConnection(toAddress(server), { socket, wanted }).then(
      () => "connected",
      (error: unknown) => String(error),
    );
  expect(await say(await hold())).toMatch(/SSH_AGENT_MISSING .*reason="the agent holds no key"/);
  expect(await say(join(folder, "nobody"))).toMatch(/SSH_AGENT_MISSING .*reason="the agent does not answer: /);
  expect(await say(null)).toMatch(/SSH_AGENT_MISSING .*reason="SSH_AUTH_SOCK is not set"/);
  const one = await hold(server.clientKey);
  const wanted = `SHA256:${"A".repeat(43)}`;
  expect(await say(one, wanted)).toMatch(/SSH_AGENT_MISSING .*reason="the agent does not hold the key that cutter-kit:agentKey names"/);
  expect(await say(one, wanted)).toContain(fingerprints(one)[0]);
  expect(server.logins).toEqual([]);
});

it("goes on with one channel where the server gives no more", async () => {
  const narrow = await serve({ sessions: 1 });
  const host = await openConnection(toAddress(narrow), { socket: await hold(narrow.clientKey), wanted: null });
  // Longer than all the tries of a refused one together would last, were it to knock while the others are at work.
  const outcomes = await Promise.all(Array.from({ length: 12 }, () => host.run("sleep 0.1; echo done", [], { timeoutMs: 20_000 })));
  expect(outcomes.map(({ stdout }) => stdout)).toEqual(outcomes.map(() => "done\n"));
  expect(narrow.widest()).toBe(1);
  host.close();
});

it("a command that says more than the cap is ended and named, with the cap; the connection goes on", async () => {
  const server = await serve();
  const host = await openConnection(toAddress(server), { socket: await hold(server.clientKey), wanted: null });
  await expect(host.run("yes spam", [], { timeoutMs: 20_000, outputBytesMax: 100_000 })).rejects.toMatchObject({
    code: "HOST_COMMAND_FAILED",
    facts: { host: "test", cap_bytes: 100_000, ends: expect.stringContaining("spam") },
  });
  await expect(host.run("yes spam >&2", [], { timeoutMs: 20_000, outputBytesMax: 100_000 })).rejects.toMatchObject({
    code: "HOST_COMMAND_FAILED",
  });
  expect(await host.run("head -c 90000 /dev/zero", [], { timeoutMs: 20_000, outputBytesMax: 100_000 })).toMatchObject({ code: 0 });
  host.close();
});
