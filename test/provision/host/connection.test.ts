// One SSH connection, against a real SSH server on loopback: whom it trusts, how it authenticates, and what a cut looks like.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { HostAddress } from "../../../provision/host/address.ts";
import { openConnection } from "../../../provision/host/connection.ts";
import { toHostIdentity } from "../../../orchestrator/core/host/identity.ts";
import { createHostPool } from "../../../provision/host/pool.ts";
import { startSshAgent } from "../../support/hosts/ssh-agent.ts";
import { createSshKeyPair } from "../../support/hosts/ssh-keys.ts";
import { startSshServer, type TestSshServer } from "../../support/hosts/ssh-server.ts";

const machineId = "0123456789abcdef0123456789abcdef";
const originalPath = process.env["PATH"];
let folder: string;
let server: TestSshServer;
let agentSocket: string;
let stopAgent: () => Promise<void>;
let address: HostAddress;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ck-"));
  // The server's machine id, whatever machine the test runs on.
  writeFileSync(join(folder, "cat"), `#!/bin/sh\n[ "$1" = /etc/machine-id ] && { echo ${machineId}; exit; }\nexec /bin/cat "$@"\n`);
  chmodSync(join(folder, "cat"), 0o755);
  process.env["PATH"] = `${folder}:${originalPath}`;
  server = await startSshServer(folder, []);
  agentSocket = join(folder, "agent");
  stopAgent = await startSshAgent(agentSocket, server.clientKey);
  address = {
    name: "test",
    host: "127.0.0.1",
    port: server.port,
    user: "root",
    hostKey: server.hostKey.split(" ").slice(0, 2).join(" "),
    machineIdentity: toHostIdentity(machineId) ?? "",
  };
});

afterEach(async () => {
  process.env["PATH"] = originalPath;
  await server.stop();
  await stopAgent();
  rmSync(folder, { recursive: true, force: true });
});

it("runs a script with arguments that no shell interprets, and gives bytes and exit code back", async () => {
  const host = await openConnection(address, { socket: agentSocket, wanted: null });
  const nasty = ["a b", "", "$(id)", "'; exit 9; '", "*", "é\n", "\\\\a\\", "!x! !"];
  const outcome = await host.run('for a in "$@"; do printf "[%s]" "$a"; done; cat; exit 7', nasty, {
    timeoutMs: 10_000,
    stdin: Buffer.from("in"),
  });
  expect(outcome).toEqual({ code: 7, stdout: `${nasty.map((word) => `[${word}]`).join("")}in`, stderr: "" });
  host.close();
});

it("is not disturbed by a shell that says something before each command, and calls one that runs nothing unfit, not another machine", async () => {
  const greeting = await startSshServer(folder, [], "echo welcome back; echo 'no such alias' >&2; cd /; set -u");
  const greetingAgent = await startSshAgent(join(folder, "agent-2"), greeting.clientKey);
  const toAddress = ({ port, hostKey }: TestSshServer) => ({ ...address, port, hostKey: hostKey.split(" ").slice(0, 2).join(" ") });
  const host = await openConnection(toAddress(greeting), { socket: join(folder, "agent-2"), wanted: null });
  expect(await host.run("echo out; echo err >&2; exit 3", [], { timeoutMs: 10_000 })).toEqual({
    code: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  host.close();
  const closed = await startSshServer(folder, [], "echo 'this account is not available'; exit 1");
  const closedAgent = await startSshAgent(join(folder, "agent-3"), closed.clientKey);
  await expect(openConnection(toAddress(closed), { socket: join(folder, "agent-3"), wanted: null })).rejects.toMatchObject({
    code: "HOST_SHELL_UNFIT",
    facts: { seen: "root's shell ended with 1: this account is not available" },
  });
  const killed = await startSshServer(folder, [], "kill -9 $$");
  const killedAgent = await startSshAgent(join(folder, "agent-4"), killed.clientKey);
  await expect(openConnection(toAddress(killed), { socket: join(folder, "agent-4"), wanted: null })).rejects.toMatchObject({
    code: "HOST_UNREACHABLE",
    facts: { reason: expect.stringContaining("KILL") },
  });
  for (const stop of [greeting.stop, greetingAgent, closed.stop, closedAgent, killed.stop, killedAgent]) await stop();
});

it("refuses another host key before it authenticates", async () => {
  const other = createSshKeyPair().public.split(" ").slice(0, 2).join(" ");
  await expect(openConnection({ ...address, hostKey: other }, { socket: agentSocket, wanted: null })).rejects.toMatchObject({
    code: "HOST_KEY_MISMATCH",
  });
  expect(server.logins).toEqual([]);
});

it("refuses another machine behind the right key, and has run nothing there but the look at its identity", async () => {
  await expect(
    openConnection({ ...address, machineIdentity: "f".repeat(64) }, { socket: agentSocket, wanted: null }),
  ).rejects.toMatchObject({
    code: "HOST_IDENTITY_MISMATCH",
  });
  expect(server.commands).toHaveLength(1);
});

it("tries a refused key once for the whole process, never again", async () => {
  const strangersSocket = join(folder, "strangers-agent");
  const stopStranger = await startSshAgent(strangersSocket, createSshKeyPair().private);
  const pool = createHostPool((target) => openConnection(target, { socket: strangersSocket, wanted: null }));
  const tries = await Promise.allSettled([pool.get(address), pool.get(address)]);
  await expect(pool.get(address)).rejects.toMatchObject({ code: "HOST_AUTH_REFUSED" });
  expect(tries.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(server.logins.filter((method) => method === "publickey")).toHaveLength(1);
  await stopStranger();
});

it("says that there is no agent, and that nobody listens, by code", async () => {
  await expect(openConnection(address, { socket: null, wanted: null })).rejects.toMatchObject({ code: "SSH_AGENT_MISSING" });
  await server.stop();
  await expect(openConnection(address, { socket: agentSocket, wanted: null })).rejects.toMatchObject({
    code: "HOST_UNREACHABLE",
    facts: { deadline_s: 15 },
  });
});

it("lets all who wait for one connection share its failure, and tries again only for who asks later", async () => {
  let tries = 0;
  const pool = createHostPool(async () => {
    tries += 1;
    await new Promise((next) => setImmediate(next));
    throw new CutterError("HOST_UNREACHABLE", {});
  });
  const all = await Promise.allSettled(Array.from({ length: 30 }, async () => await pool.get(address)));
  expect(all.every(({ status }) => status === "rejected")).toBe(true);
  expect(tries).toBe(1);
  await expect(pool.get(address)).rejects.toMatchObject({ code: "HOST_UNREACHABLE" });
  expect(tries).toBe(2);
});

it("gives no exit code for a command whose connection was cut, and connects anew for the next", async () => {
  const pool = createHostPool((target) => openConnection(target, { socket: agentSocket, wanted: null }));
  const host = await pool.get(address);
  const running = host.run("echo started >&2; sleep 20", [], { timeoutMs: 15_000 });
  while (!server.commands.some((command) => command.includes("sleep 20"))) await new Promise((next) => setImmediate(next));
  server.cut();
  expect((await running).code).toBeNull();
  const again = await pool.get(address);
  expect(again).not.toBe(host);
  expect((await again.run("echo back", [], { timeoutMs: 10_000 })).stdout).toBe("back\n");
  await pool.closeAll();
});

it("gives no exit code for a command that does not end in time", async () => {
  const host = await openConnection(address, { socket: agentSocket, wanted: null });
  expect((await host.run("sleep 20", [], { timeoutMs: 200 })).code).toBeNull();
  host.close();
});

it("keeps at most six channels open, and queues the rest", async () => {
  const host = await openConnection(address, { socket: agentSocket, wanted: null });
  const script = `mkdir -p on; : >"on/$1"; ls on | wc -l; sleep 0.2; rm "on/$1"`;
  const outcomes = await Promise.all(Array.from({ length: 15 }, (_, index) => host.run(script, [String(index)], { timeoutMs: 20_000 })));
  const widths = outcomes.map(({ stdout }) => Number(stdout));
  expect(Math.max(...widths)).toBeLessThanOrEqual(6);
  expect(Math.max(...widths)).toBeGreaterThan(1);
  host.close();
});
