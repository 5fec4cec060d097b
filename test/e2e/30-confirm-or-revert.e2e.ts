// Confirm or revert on the booted host: releases that do not work, nobody who confirms, a reboot in between, and the way back to an older release.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { alterRelease, dropAlteredRelease } from "../support/altered-release.ts";
import { checkout, ensureReady, onHost, until } from "../support/e2e.ts";
import { pulumi, up } from "../support/stack.ts";

const stackFile = join(checkout, "Pulumi.sandbox.yaml");
const stackText = readFileSync(stackFile, "utf8");
const host = async (commandLine: string) => (await onHost(commandLine)).stdout.trim();
const current = () => host("basename $(readlink /opt/cutter/current)");
const releaseSwitch = (words: string) => host(`sh /opt/cutter/release-switch.sh ${words}`);
/** The release is a setting of the stack, as a person would pin it; empty: the one built here. */
const upWith = (release: string) => {
  writeFileSync(stackFile, stackText.replace(/^( *cutter-kit:release:).*$/m, `$1 "${release}"`));
  return up();
};
/** Links, records and folders: what a release that failed must leave as it was, but for its own folder. */
const readReleases = () =>
  host(
    "readlink /opt/cutter/current /opt/cutter/last-good; cat /opt/cutter/release-state/good; systemctl is-active cutter-release-guard.service; ls /opt/cutter/release-state",
  );

/** On the host: the line was really cut, not only said to be. */
const lineCut = "/run/cutter-e2e-line-cut";

let good = "";
let before = "";
let other = "";
const altered: string[] = [];
const alter = async (launcher: "cutter" | "cutter-root", lines: string) => {
  const name = await alterRelease(launcher, lines);
  altered.push(name);
  return name;
};

beforeAll(async () => {
  await ensureReady();
  good = await current();
  before = await readReleases();
  other = await alter("cutter", ": another one that works");
});
afterAll(async () => {
  writeFileSync(stackFile, stackText);
  for (const name of altered) await dropAlteredRelease(name);
});

it.each<[string, "cutter" | "cutter-root", string]>([
  ["starts but says it is not well", "cutter", 'case "$*" in *self-verify*) echo "[ERR] not well" >&2; exit 10;; esac'],
  ["crashes", "cutter-root", "kill -SEGV $$"],
])("an up with a release that %s fails by name and leaves the host on the good one", async (_what, launcher, lines) => {
  const bad = await alter(launcher, lines);
  const failed = await upWith(bad);
  expect(failed.code).not.toBe(0);
  expect(failed.output).toContain("RELEASE_UNHEALTHY");
  expect(failed.output).toContain(`release=${bad}`);
  expect(failed.output).toContain(`now_on=${good}`);
  expect(await readReleases()).toBe(`${before}\nreverted`);
});

it("the up after it says what happened, and the host is as if the releases that failed had never been there", async () => {
  const next = await upWith("");
  expect(next.output).toMatch(new RegExp(`RELEASE_REVERTED.*release=${altered.at(-1)} now_on=${good} why=unhealthy`));
  expect(next.code).toBe(0);
  expect(await readReleases()).toBe(before);
  expect((await host("ls /opt/cutter/releases")).split("\n").filter((name) => name !== other && altered.includes(name))).toEqual([]);
});

it("an up with another good release confirms it, and pinning the older one goes back to it without an upload", async () => {
  expect((await upWith(other)).code).toBe(0);
  expect(await current()).toBe(other);
  await host("touch /run/cutter-e2e-marker");
  const pinned = await upWith(good);
  expect(pinned.output).not.toContain("error:");
  expect(pinned.code).toBe(0);
  expect(await host("basename -a $(readlink /opt/cutter/current /opt/cutter/last-good)")).toBe(`${good}\n${other}`);
  expect(await host("find /opt/cutter/releases -type f -newer /run/cutter-e2e-marker")).toBe("");
  expect((await pulumi("preview", "--expect-no-changes")).code).toBe(0);
});

it("the host goes back by itself when the operator's line is cut between switch and confirm, and preview and up say so", async () => {
  const cutting = await alter(
    "cutter",
    `case "$*" in *self-verify*) touch ${lineCut}; pkill -KILL -P "$(systemctl show -P MainPID ssh.service)"; exit 0;; esac`,
  );
  const failed = await upWith(cutting);
  expect(failed.code).not.toBe(0);
  expect(failed.output).toMatch(new RegExp(`RELEASE_UNCONFIRMED.*release=${cutting} .*goes_back_within_s=60`));
  expect(await host(`ls ${lineCut} && rm ${lineCut}`)).toBe(lineCut);
  await until(async () => ((await current()) === good ? true : null));
  expect((await pulumi("preview", "--diff")).output).toMatch(new RegExp(`reverted from ${cutting} to ${good} at \\S+: deadline`));
  const next = await upWith("");
  expect(next.output).toMatch(/RELEASE_REVERTED.*why=deadline/);
  expect(next.code).toBe(0);
  expect((await pulumi("preview", "--expect-no-changes")).code).toBe(0);
});

it("a reboot before the confirmation goes back at once, although the deadline is far", async () => {
  await releaseSwitch(`switch ${other} 3600`);
  const boot = await host("cat /proc/sys/kernel/random/boot_id");
  await onHost("systemctl --no-block reboot");
  await until(async () => {
    const seen = await host("cat /proc/sys/kernel/random/boot_id").catch(() => "");
    return seen !== "" && seen !== boot ? seen : null;
  });
  await until(async () => ((await current()) === good ? true : null));
  expect(await releaseSwitch("standing")).toMatch(new RegExp(`^reverted ${other} ${good} reboot `, "m"));
  await until(async () =>
    (await host("systemctl is-system-running --wait; systemctl is-active cutter-dump.socket cutter-kb.socket sockets.target")).endsWith(
      "\nactive\nactive\nactive",
    )
      ? true
      : null,
  );
  expect((await upWith("")).output).toMatch(/RELEASE_REVERTED.*why=reboot/);
  expect((await pulumi("preview", "--expect-no-changes")).code).toBe(0);
});
