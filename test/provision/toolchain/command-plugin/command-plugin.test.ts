// The contract of command:remote:Command 1.2.1 as our stacks use it, kept by whichever plugin is installed: a real engine, a real SSH
// server. One stack holds the Commands of all tests, in the order of the file: an engine run takes a second of processor time, whatever it
// has to do.
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
    // A proxy that nobody serves, and a list with a blank: engine, program and plugins find each other all the same.
    ...Object.fromEntries(
      ["http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "HTTPS_PROXY"].map((name) => [name, "http://127.0.0.1:9"]),
    ),
    no_proxy: "localhost, 127.0.0.1",
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
      "const steps = Object.entries(args).map(([name, of]) => [name, new command.remote.Command(`step-${name}`, of)]);",
      "export const said = Object.fromEntries(steps.map(([name, { stdout, stderr }]) => [name, { stdout, stderr }]));",
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

type Acted = PulumiResult & { readonly ran: readonly string[] };

/** Runs `pulumi verb` on the stack with a Command of each of these arguments; `ran` is what reached the host meanwhile. */
async function act(verb: "up" | "preview" | "refresh" | "destroy", steps: Readonly<Record<string, object>>): Promise<Acted> {
  writeFileSync(join(project, "args.json"), JSON.stringify(steps));
  const before = server.commands.length;
  const unattended = verb === "preview" ? [] : ["--yes", "--skip-preview"];
  const result = await pulumi(verb, "--stack", "contract", "--non-interactive", ...unattended);
  return { ...result, ran: server.commands.slice(before) };
}

async function readSaid(): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = await pulumi("stack", "output", "--stack", "contract", "--json");
  return (JSON.parse(stdout) as { said: Record<string, unknown> }).said;
}

const life = { create: "cat; echo made; echo seen >&2", stdin: "fed\n", delete: "echo gone" };
const update = 'printf "%s|%s" "$PULUMI_COMMAND_STDOUT" "$PULUMI_COMMAND_STDERR"';
const again = { create: 'echo "two:$PULUMI_COMMAND_STDOUT:"', addPreviousOutputInEnv: false };
const triggers = { create: "echo new", update: "echo never", delete: "echo old" };
const accepted = { create: 'echo "$GREETING"', environment: { GREETING: "xin chào" } };

describe(`the installed command plugin (${installed})`, () => {
  /** The arguments of each step at first, after a change, and with another connection for one. */
  let first: Readonly<Record<string, object>>;
  let second: typeof first;
  let third: typeof first;

  beforeAll(async () => {
    first = {
      life: { connection: connection(), ...life },
      again: { connection: connection(), create: "echo one" },
      triggers: { connection: connection(), ...triggers, triggers: ["release-1"] },
      environment: { connection: connection(), ...accepted },
      state: { connection: connection(), create: "true" },
    };
    second = {
      ...first,
      life: { ...first["life"], update },
      again: { connection: connection(), ...again },
      triggers: { connection: connection(), ...triggers, triggers: ["release-2"] },
    };
    third = { ...second, life: { ...second["life"], connection: { ...connection(), perDialTimeout: 14 } } };
    const { code, stderr } = await pulumi("stack", "init", "contract", "--no-select", "--non-interactive");
    expect(code, stderr).toBe(0);
  }, timeoutMs);

  test(
    "runs create once, records its output, and runs nothing while nothing changes",
    async () => {
      const created = await act("up", first);
      expect(created.code, created.stdout).toBe(0);
      const ran = created.ran.filter((command) => command !== "printenv GREETING"); // how the stand-in sees what the server took
      expect(ran.toSorted()).toEqual([life.create, "echo one", triggers.create, accepted.create, "true"].toSorted());
      expect(await readSaid()).toMatchObject({
        life: { stdout: "fed\nmade", stderr: "seen" },
        environment: { stdout: "xin chào" }, // what the server accepts is passed
      });

      for (const verb of ["preview", "up", "refresh"] as const) {
        const unchanged = await act(verb, first);
        expect(unchanged.code, unchanged.stdout).toBe(0);
        expect(unchanged.ran).toEqual([]);
      }

      const preview = await act("preview", { ...first, life: second["life"] ?? {} });
      expect(preview.ran).toEqual([]);
      expect(preview.stdout).toMatch(/1 to update/);
    },
    timeoutMs,
  );

  test(
    "keeps the connection encrypted in state",
    async () => {
      const { stdout } = await pulumi("stack", "export", "--stack", "contract");
      expect(stdout).toContain("command:remote:Command");
      expect(stdout).not.toContain(server.hostKey.split(" ")[1]);
    },
    timeoutMs,
  );

  describe("on a change", () => {
    let changed: Acted;
    let said: Readonly<Record<string, unknown>>;
    beforeAll(async () => {
      changed = await act("up", second);
      said = await readSaid();
    }, timeoutMs);

    test("runs update with what was said before, and nothing of what did not change", () => {
      expect(changed.code, changed.stdout).toBe(0);
      expect(changed.ran.toSorted()).toEqual([update, again.create, "echo new", "echo old"].toSorted());
      expect(said).toMatchObject({ life: { stdout: "fed\nmade|seen" } });
    });

    test("runs create again on a change when there is no update, and keeps previous output away when told to", () => {
      expect(changed.ran).toContain(again.create);
      expect(said).toMatchObject({ again: { stdout: "two::" } });
    });

    test("replaces on changed triggers: the new create first, then the old delete", () => {
      expect(changed.ran.filter((command) => [triggers.create, triggers.update, triggers.delete].includes(command))).toEqual([
        "echo new",
        "echo old",
      ]);
    });

    test(
      "runs update on another connection, and nothing of what was replaced before",
      async () => {
        expect((await act("up", third)).ran).toEqual([update]);
      },
      timeoutMs,
    );
  });

  test(
    "fails with status and output when the command fails, records nothing, and runs it again next time",
    async () => {
      const failing = { connection: connection(), create: "echo said before; test -e repaired" };
      const failed = await act("up", { ...third, failing });
      expect(failed.code).not.toBe(0);
      expect(failed.stdout + failed.stderr).toMatch(/Process exited with status 1/);
      expect(failed.stdout + failed.stderr).toContain("said before");
      writeFileSync(join(remote, "repaired"), "");
      third = { ...third, failing };
      const repaired = await act("up", third);
      expect(repaired.code, repaired.stdout).toBe(0);
      expect(repaired.ran).toEqual([failing.create]);
    },
    timeoutMs,
  );

  test(
    "calls a connection cut in the middle of a command a failure, and runs the command only once",
    async () => {
      const cut = { connection: connection(), create: "echo begun > begun; exec sleep 60" };
      const acting = act("up", { ...third, cut });
      await expect.poll(() => server.commands.includes(cut.create), { timeout: 30_000 }).toBe(true);
      server.cut();
      const result = await acting;
      expect(result.code).not.toBe(0);
      expect(result.stdout + result.stderr).toContain("step-cut");
      expect(result.ran).toEqual([cut.create]);
    },
    timeoutMs,
  );

  test(
    "fails on environment that the server does not accept",
    async () => {
      const environment = { connection: connection(), create: 'echo "$REFUSED"', environment: { REFUSED: "x" } };
      const refused = await act("up", { ...third, environment });
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toContain('could not set environment variable "REFUSED"');
      expect(refused.ran).not.toContain('echo "$REFUSED"');
    },
    timeoutMs,
  );

  test(
    "refuses a host that shows another key, before any login",
    async () => {
      const other = readFileSync(new URL("../../../fixtures/other-host-key.pub", import.meta.url), "utf8").trim();
      const logins = server.logins.length;
      const wrong = { connection: { ...connection(), hostKey: other }, create: "echo wrong" };
      const refused = await act("up", { ...third, wrong });
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toMatch(/host key|handshake/i);
      expect(refused.ran).toEqual([]);
      expect(server.logins.length).toBe(logins);
    },
    timeoutMs,
  );

  test.runIf(installed === "stand-in")(
    "the stand-in demands a host key, and refuses inputs it does not know",
    async () => {
      const { hostKey: _absent, ...withoutKey } = connection();
      const refused = await act("preview", { ...third, demands: { connection: withoutKey, create: "echo wrong" } });
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toContain("connection.hostKey");
      expect(refused.ran).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "runs delete of what is destroyed",
    async () => {
      const removed = await act("destroy", third);
      expect(removed.code, removed.stdout).toBe(0);
      expect(removed.ran.toSorted()).toEqual(["echo gone", "echo old"]);
    },
    timeoutMs,
  );
});
