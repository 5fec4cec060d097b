// The contract of command:remote:Command 1.2.1 as our stacks use it, kept by whichever plugin is installed: a real engine, a real SSH server.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { thisCheckout, toolchainLayout } from "../../../../provision/toolchain/bootstrap/layout.mjs";
import { ensureCommandPlugin } from "../../../../provision/toolchain/bootstrap/plugin.mjs";
import { runPulumi, type PulumiResult } from "../../../../provision/toolchain/pulumi/run.ts";
import { startSshAgent } from "../../../support/hosts/ssh-agent.ts";
import { startSshServer, type TestSshServer } from "../../../support/hosts/ssh-server.ts";

const installed = ensureCommandPlugin(toolchainLayout());
const timeoutMs = 120_000;

let project: string;
let remote: string;
let server: TestSshServer;
let stopAgent: () => Promise<void>;
let environment: Record<string, string>;

beforeAll(async () => {
  // Inside the checkout, so that the program finds @pulumi/command; the backend and the remote side lie elsewhere.
  mkdirSync(join(thisCheckout, ".build"), { recursive: true });
  project = mkdtempSync(join(thisCheckout, ".build/command-plugin-"));
  remote = mkdtempSync(join(tmpdir(), "command-plugin-"));
  server = await startSshServer(remote, ["GREETING", "PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR"]);
  stopAgent = await startSshAgent(join(remote, "agent"), server.clientKey);
  mkdirSync(join(remote, "backend"));
  writeFileSync(join(remote, "passphrase"), "of a test");
  environment = {
    SSH_AUTH_SOCK: join(remote, "agent"),
    PULUMI_BACKEND_URL: `file://${join(remote, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: join(remote, "passphrase"),
  };
  writeFileSync(join(project, "Pulumi.yaml"), "name: command-plugin\nruntime: { name: nodejs, options: { typescript: false } }\n");
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "command-plugin", type: "module", main: "index.js" }));
  writeFileSync(
    join(project, "index.js"),
    [
      'import { readFileSync } from "node:fs";',
      'import * as command from "@pulumi/command";',
      'const args = JSON.parse(readFileSync(new URL("args.json", import.meta.url), "utf8"));',
      'const step = args === null ? null : new command.remote.Command("step", args);',
      "export const stdout = step?.stdout;",
      "export const stderr = step?.stderr;",
    ].join("\n"),
  );
}, timeoutMs);

afterAll(async () => {
  await stopAgent?.();
  await server?.stop();
  rmSync(project, { recursive: true, force: true });
  rmSync(remote, { recursive: true, force: true });
});

const pulumi = (...args: readonly string[]): Promise<PulumiResult> =>
  runPulumi(args, { workingDirectory: project, environment, deadlineMs: timeoutMs });
const connection = () => ({ host: "127.0.0.1", port: server.port, user: "tester", hostKey: server.hostKey, dialErrorLimit: 0 });

/** Runs `pulumi verb` on `stack` with one Command of these arguments (null: none); `ran` is what reached the host meanwhile. */
async function act(
  stack: string,
  verb: "up" | "preview" | "refresh" | "destroy",
  args: object | null,
): Promise<PulumiResult & { ran: string[] }> {
  writeFileSync(join(project, "args.json"), JSON.stringify(args));
  const before = server.commands.length;
  const unattended = verb === "preview" ? [] : ["--yes", "--skip-preview"];
  const result = await pulumi(verb, "--stack", stack, "--non-interactive", ...unattended);
  return { ...result, ran: server.commands.slice(before) };
}

async function newStack(name: string): Promise<string> {
  const { code, stderr } = await pulumi("stack", "init", name, "--no-select", "--non-interactive");
  expect(code, stderr).toBe(0);
  return name;
}

async function outputs(stack: string): Promise<unknown> {
  const { stdout } = await pulumi("stack", "output", "--stack", stack, "--json");
  return JSON.parse(stdout);
}

describe(`the installed command plugin (${installed})`, () => {
  test(
    "runs create once, records its output, and runs nothing while nothing changes",
    async () => {
      const stack = await newStack("life");
      const args = { connection: connection(), create: "cat; echo made; echo seen >&2", stdin: "fed\n", delete: "echo gone" };
      const created = await act(stack, "up", args);
      expect(created.code, created.stdout).toBe(0);
      expect(created.ran).toEqual([args.create]);
      expect(await outputs(stack)).toEqual({ stdout: "fed\nmade", stderr: "seen" });

      for (const verb of ["preview", "up", "refresh"] as const) {
        const again = await act(stack, verb, args);
        expect(again.code, again.stdout).toBe(0);
        expect(again.ran).toEqual([]);
      }

      const changed = { ...args, update: 'printf "%s|%s" "$PULUMI_COMMAND_STDOUT" "$PULUMI_COMMAND_STDERR"' };
      const preview = await act(stack, "preview", changed);
      expect(preview.ran).toEqual([]);
      expect(preview.stdout).toMatch(/1 to update/);
      const updated = await act(stack, "up", changed);
      expect(updated.ran).toEqual([changed.update]);
      expect(await outputs(stack)).toMatchObject({ stdout: "fed\nmade|seen" });

      const moved = await act(stack, "up", { ...changed, connection: { ...connection(), perDialTimeout: 14 } });
      expect(moved.ran).toEqual([changed.update]);

      const removed = await act(stack, "destroy", { ...changed, connection: { ...connection(), perDialTimeout: 14 } });
      expect(removed.code, removed.stdout).toBe(0);
      expect(removed.ran).toEqual(["echo gone"]);
    },
    timeoutMs,
  );

  test(
    "runs create again on a change when there is no update, and keeps previous output away when told to",
    async () => {
      const stack = await newStack("again");
      await act(stack, "up", { connection: connection(), create: "echo one" });
      const create = 'echo "two:$PULUMI_COMMAND_STDOUT:"';
      const changed = await act(stack, "up", { connection: connection(), create, addPreviousOutputInEnv: false });
      expect(changed.code, changed.stdout).toBe(0);
      expect(changed.ran).toEqual([create]);
      expect(await outputs(stack)).toMatchObject({ stdout: "two::" });
    },
    timeoutMs,
  );

  test(
    "replaces on changed triggers: the new create first, then the old delete",
    async () => {
      const stack = await newStack("triggers");
      const args = { connection: connection(), create: "echo new", update: "echo never", delete: "echo old" };
      await act(stack, "up", { ...args, triggers: ["release-1"] });
      const replaced = await act(stack, "up", { ...args, triggers: ["release-2"] });
      expect(replaced.code, replaced.stdout).toBe(0);
      expect(replaced.ran).toEqual(["echo new", "echo old"]);
      expect((await act(stack, "up", { ...args, triggers: ["release-2"] })).ran).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "fails with status and output when the command fails, records nothing, and runs it again next time",
    async () => {
      const stack = await newStack("failing");
      const args = { connection: connection(), create: "echo said before; test -e repaired" };
      const failed = await act(stack, "up", args);
      expect(failed.code).not.toBe(0);
      expect(failed.stdout + failed.stderr).toMatch(/Process exited with status 1/);
      expect(failed.stdout + failed.stderr).toContain("said before");
      writeFileSync(join(remote, "repaired"), "");
      const repaired = await act(stack, "up", args);
      expect(repaired.code, repaired.stdout).toBe(0);
      expect(repaired.ran).toEqual([args.create]);
    },
    timeoutMs,
  );

  test(
    "calls a connection cut in the middle of a command a failure, and runs the command only once",
    async () => {
      const stack = await newStack("cut");
      const args = { connection: connection(), create: "echo begun > begun; exec sleep 60" };
      const acting = act(stack, "up", args);
      await expect.poll(() => server.commands.includes(args.create), { timeout: 30_000 }).toBe(true);
      server.cut();
      const result = await acting;
      expect(result.code).not.toBe(0);
      expect(result.stdout + result.stderr).toContain("step");
      expect(result.ran).toEqual([args.create]);
    },
    timeoutMs,
  );

  test(
    "passes environment that the server accepts and fails on what it does not",
    async () => {
      const stack = await newStack("environment");
      const accepted = await act(stack, "up", {
        connection: connection(),
        create: 'echo "$GREETING"',
        environment: { GREETING: "xin chào" },
      });
      expect(accepted.code, accepted.stdout).toBe(0);
      expect(await outputs(stack)).toMatchObject({ stdout: "xin chào" });
      const refused = await act(stack, "up", { connection: connection(), create: 'echo "$REFUSED"', environment: { REFUSED: "x" } });
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toContain('could not set environment variable "REFUSED"');
      expect(refused.ran).not.toContain('echo "$REFUSED"');
    },
    timeoutMs,
  );

  test(
    "refuses a host that shows another key, before any login",
    async () => {
      const stack = await newStack("other-key");
      const other = readFileSync(new URL("../../../fixtures/other-host-key.pub", import.meta.url), "utf8").trim();
      const logins = server.logins.length;
      const refused = await act(stack, "up", { connection: { ...connection(), hostKey: other }, create: "echo wrong" });
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toMatch(/host key|handshake/i);
      expect(refused.ran).toEqual([]);
      expect(server.logins.length).toBe(logins);
    },
    timeoutMs,
  );

  test(
    "keeps the connection encrypted in state",
    async () => {
      const stack = await newStack("state");
      await act(stack, "up", { connection: connection(), create: "true" });
      const { stdout } = await pulumi("stack", "export", "--stack", stack);
      expect(stdout).toContain("command:remote:Command");
      expect(stdout).not.toContain(server.hostKey.split(" ")[1]);
    },
    timeoutMs,
  );

  test.runIf(installed === "stand-in")(
    "the stand-in demands a host key, and refuses inputs it does not know",
    async () => {
      const stack = await newStack("demands");
      const { hostKey: _absent, ...withoutKey } = connection();
      const refused = await act(stack, "preview", { connection: withoutKey, create: "echo wrong" });
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toContain("connection.hostKey");
      expect(refused.ran).toEqual([]);
    },
    timeoutMs,
  );
});
