// Several hosts in one stack: both made ready by one up, one of them obstructed, and what the runbooks ask for. `npm run prove` has one
// of them down.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkout, onHost, run } from "../support/e2e.ts";
import { openTwoHosts, type TwoHosts } from "../support/hosts/two-hosts.ts";
import { ensureReady } from "../support/ready-host.ts";
import { pulumi, readTree, up } from "../support/stack.ts";

let both: TwoHosts;
/** The sandbox's agent, for what a person would run with an agent of their own. */
const withAgent = (argv: readonly string[]) =>
  run([
    "env",
    `SSH_AUTH_SOCK=${(JSON.parse(readFileSync(join(checkout, ".sandbox/state.json"), "utf8")) as { readonly agentSocket: string }).agentSocket}`,
    ...argv,
  ]);

beforeAll(async () => {
  await ensureReady();
  both = await openTwoHosts();
}, 600_000);
afterAll(() => both.close(), 600_000);

it("an up makes the second host ready beside the first, which stays as it was", async () => {
  const before = await readTree();
  const { code, output } = await up();
  expect(output).not.toContain("error:");
  expect(code).toBe(0);
  expect(output).toMatch(/\+ 4\d created\s+44 unchanged/);
  expect(await readTree()).toBe(before);
  expect(await both.second.run("cutter kill-switch status; basename $(readlink -f /opt/cutter/current)")).toBe(
    `off\n${(await onHost("basename $(readlink -f /opt/cutter/current)")).stdout}`,
  );
  const { gaps, hosts } = JSON.parse((await pulumi("stack", "output", "--json")).output) as {
    readonly gaps: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly hosts: readonly { readonly name: string }[];
  };
  expect(hosts.map(({ name }) => name)).toEqual(["sandbox", "second"]);
  // A ruling of an earlier file may stand on the first.
  const open = Object.entries(gaps["second"] ?? {}).flatMap(([id, said]) => (said.startsWith("open: ") ? [id] : []));
  expect(open).toEqual(["GAP-7", "GAP-8"]);
  expect(Object.keys(gaps["sandbox"] ?? {})).toHaveLength(8);
});

it("a runbook wants to be told which host; disable means all of them", async () => {
  const undecided = await run(["runbooks/survey", "--stack", "sandbox"]);
  expect([undecided.code, undecided.output]).toEqual([78, expect.stringContaining("--host must be one of sandbox, second")]);
  expect((await withAgent(["runbooks/survey", "--stack", "sandbox", "--host", "second"])).output).toContain("6 of 8 gaps closed");
  expect((await withAgent(["runbooks/disable", "--stack", "sandbox"])).code).toBe(0);
  expect(
    [await both.second.run("cutter kill-switch status"), (await onHost("cutter kill-switch status")).stdout].map((text) =>
      text.split(" ")[0]?.trim(),
    ),
  ).toEqual(["disabled", "disabled"]);
  expect((await withAgent(["runbooks/disable", "--clear", "--stack", "sandbox"])).code).toBe(0);
});

it("with something foreign in the way on one host the other is finished, and the one is named without the engine's insides", async () => {
  const before = await readTree();
  await both.second.run("rm /usr/local/bin/cutter; mkdir -p /usr/local/bin/cutter/theirs");
  await onHost("rm -r /var/lib/cutter/locks");
  const { code, output } = await up();
  expect(code).not.toBe(0);
  expect(output).toMatch(/error: FOREIGN_FILE .*host=second path=\/usr\/local\/bin\/cutter found="a directory"/);
  expect(output).not.toMatch(/unhandled|Promise|processTicks/);
  expect(output).toMatch(/\+ 1 created/);
  expect(await readTree()).toBe(before);
  expect(await both.second.run("ls /usr/local/bin/cutter; rm -r /usr/local/bin/cutter")).toBe("theirs\n");
  expect((await up()).code).toBe(0);
});
