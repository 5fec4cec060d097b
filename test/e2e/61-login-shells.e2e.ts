// Switching off, whatever root's login shell is, through the host's own sshd: three shells that once ended with 0 and did nothing, or half;
// `npm run prove` has all of them.
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { connectToHost } from "../../provision/host/pool.ts";
import { readStack } from "../../runbooks/stack.ts";
import { exitingBash, shellNamed, withLoginShell } from "../support/login-shell.ts";
import { ensureReady } from "../support/ready-host.ts";
import { disable, plantRun, readHandLines, readSwitch, removePlanted, stopped, typeHandLine, untouched } from "../support/switch-off.ts";

beforeAll(ensureReady);
beforeEach(plantRun);
afterAll(removePlanted);

it("every page gives the same line to type by hand", () => {
  const lines = readHandLines();
  expect(new Set(lines.map(({ page }) => page)).size).toBe(4);
  expect(new Set(lines.map(({ line }) => line)).size).toBe(1);
});

it.each(["fish", "zsh"])(
  "%s: the line by hand lists the latch, disable --now stops everything, and a script reads every byte",
  async (name) => {
    const words = ["a\\b\\\\c\\", "!x !!", "it's", "$HOME *", "é\nnext"];
    const said = await withLoginShell(shellNamed(name), async () => {
      const byHand = await typeHandLine();
      expect([byHand.code, byHand.output]).toEqual([0, expect.stringMatching(/ DISABLED\n$/)]);
      expect(await disable("--now")).toMatchObject({ code: 0, output: expect.stringContaining("[OK]") });
      const [address] = readStack("sandbox").hosts;
      if (address === undefined) throw new Error("no host");
      const host = await connectToHost(address);
      return await host.run('printf "<%s>" "$@"; printf "\\\\\\\\n"', words, { timeoutMs: 10_000 }).finally(() => host.close());
    });
    expect(await readSwitch()).toEqual(stopped);
    expect(said).toEqual({ code: 0, stdout: `${words.map((word) => `<${word}>`).join("")}\\n`, stderr: "" });
  },
);

it("a bash whose .bashrc exits runs nothing: disable does not say that it is off, shows what it saw, and says what to type", async () => {
  const [byHand, ended] = await withLoginShell(exitingBash, async () => [await typeHandLine(), await disable("--now")]);
  expect(byHand).toEqual({ code: 0, output: "welcome\n" });
  expect([ended?.code, ended?.output]).toEqual([
    30,
    expect.stringMatching(/ended with 0, and no answer of sh .*\n +\| welcome\n +type: ssh -t root@/),
  ]);
  expect(await readSwitch()).toEqual(untouched);
});
