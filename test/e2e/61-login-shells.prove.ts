// Every login shell that root may have, through the host's own sshd: each action of runbooks/disable, the line by hand of every page, and
// what pulumi and the other runbooks do there.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { toSandboxPaths } from "../../provision/sandbox/base/paths.ts";
import { runCommand } from "../../provision/sandbox/base/process.ts";
import { toSshArguments } from "../../provision/sandbox/commands/ssh.ts";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { checkout, onHost, run } from "../support/e2e.ts";
import { exitingBash, shellNamed, shellsThatObey, withLoginShell } from "../support/login-shell.ts";
import { ensureReady } from "../support/ready-host.ts";
import { pulumi, readTree, up } from "../support/stack.ts";
import { disable, plantRun, readHandLines, readSwitch, removePlanted, stopped, typeHandLine, untouched } from "../support/switch-off.ts";

beforeAll(ensureReady);

describe.each(shellsThatObey)("$name", (shell) => {
  beforeEach(plantRun);
  afterAll(removePlanted);

  it.each(readHandLines())("the line by hand of $page sets the latch and lists it", async ({ line }) => {
    const { code, output } = await withLoginShell(shell, async () => await typeHandLine(line));
    expect([code, output]).toEqual([0, expect.stringMatching(/ DISABLED\n$/)]);
    expect(await readSwitch()).toEqual({ ...untouched, latch: true });
  });

  it("disable sets the latch and removes the tokens, --now stops what runs, --clear lifts the latch", async () => {
    await withLoginShell(shell, async () => {
      const off = await disable();
      expect([off.code, off.output]).toEqual([0, expect.stringContaining("--now stops it at once")]);
      expect(await readSwitch()).toEqual({ ...stopped, run: "active" });
      expect(await disable("--clear")).toMatchObject({ code: 0 });
      expect(await readSwitch()).toEqual({ latch: false, tokens: "", run: "active" });
      expect(await disable("--now")).toMatchObject({ code: 0 });
    });
    expect(await readSwitch()).toEqual(stopped);
    expect((await onHost("tail -n 3 /var/lib/cutter-ledger/audit.jsonl")).stdout.match(/"action":"\w+"/g)).toEqual(
      ["disable", "clear", "now"].map((action) => `"action":"${action}"`),
    );
  });
});

describe("a shell that runs nothing", () => {
  beforeEach(plantRun);
  afterAll(removePlanted);

  it.each([exitingBash, { name: "nologin", program: "/usr/sbin/nologin" }, { name: "a shell that is not there", program: "/bin/none" }])(
    "$name: exit 30, and nothing is called off",
    async (shell) => {
      for (const action of [[], ["--now"], ["--clear"]])
        expect(await withLoginShell(shell, async () => await disable(...action))).toMatchObject({
          code: 30,
          output: expect.stringContaining("NOT_PROVEN"),
        });
      expect(await readSwitch()).toEqual(untouched);
    },
  );

  it("what disable says to type at the prompt sets the latch there", async () => {
    const output = await withLoginShell(exitingBash, async () => {
      const typed = /and at its prompt: (.*)$/m.exec((await disable()).output)?.[1] ?? "";
      const ssh = toSshArguments(readSandboxState(checkout), toSandboxPaths(checkout).knownHosts);
      return (await runCommand([...ssh.slice(0, -1), "-tt", ...ssh.slice(-1)], { input: `${typed}\nexit\n` })).stdout;
    });
    expect(output).toMatch(/ DISABLED\r\n/);
    expect(await readSwitch()).toEqual({ ...untouched, latch: true });
  });

  it("a start-up file that never ends is given up after a minute", async () => {
    const hanging = { ...exitingBash, startUp: [".bashrc", "sleep 90\n"] } as const;
    const { code, output } = await withLoginShell(hanging, async () => await disable());
    expect([code, output]).toEqual([30, expect.stringContaining("no end after 60 s; sh on the host did not answer")]);
  });
});

describe("pulumi and the other runbooks", () => {
  it.each(["fish", "zsh", "ksh93", "mksh"])("%s: up repairs what is damaged, as ever, and a survey sees it", async (name) => {
    const before = await readTree();
    await onHost("rm -r /var/lib/cutter/locks /etc/cutter/orchestrator.yaml /usr/local/bin/cutter; chmod 0700 /etc/cutter/keys");
    await withLoginShell(shellNamed(name), async () => {
      expect((await run(["runbooks/survey", "--stack", "sandbox"])).output).toContain("GAP-5");
      expect(await up()).toMatchObject({ code: 0 });
      expect((await pulumi("preview", "--expect-no-changes")).code).toBe(0);
      expect((await run(["runbooks/survey", "--stack", "sandbox"])).output).toContain("6 of 8 gaps closed");
    });
    expect(await readTree()).toBe(before);
  });

  it.each([shellNamed("tcsh"), exitingBash])("$name: up, survey and start-run refuse before the first change", async (shell) => {
    const before = await readTree();
    await withLoginShell(shell, async () => {
      const refused = /HOST_SHELL_UNFIT/;
      expect((await up()).output).toMatch(refused);
      for (const command of ["survey", "start-run"]) {
        const { code, output } = await run([
          `runbooks/${command}`,
          "--stack",
          "sandbox",
          ...(command === "survey" ? [] : ["--run-id", "shell-1"]),
        ]);
        expect([code, output]).toEqual([10, expect.stringMatching(refused)]);
      }
    });
    expect(await readTree()).toBe(before);
  });
});
