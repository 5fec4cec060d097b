// release-switch.sh on real files, without systemd: what is current, what is the way back, what is kept, for every way a switch can end.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { toConfirmationState } from "../../provision/provider/kinds/support/release-switch.ts";

let base: string;
const nameOf = (n: number) => `0.6.0-${String(n).padStart(12, "0")}`;
const [one, two, three] = [nameOf(1), nameOf(2), nameOf(3)];
const state = (file: string) => join(base, "release-state", file);
const callIn = (environment: Readonly<Record<string, string>>, ...args: readonly string[]) => {
  const ended = spawnSync("sh", [join(base, "release-switch.sh"), ...args], {
    encoding: "utf8",
    timeout: 20_000,
    env: { PATH: `${join(base, "stubs")}:${process.env["PATH"] ?? ""}`, ...environment },
  });
  return { code: ended.status, out: ended.stdout, err: ended.stderr };
};
const call = (...args: readonly string[]) => callIn({}, ...args);
const done = (...args: readonly string[]) => expect(call(...args)).toMatchObject({ code: 0, err: "" });
const linkOf = (link: string) => (existsSync(join(base, link)) ? readlinkSync(join(base, link)).replace("releases/", "") : null);
const links = () => [linkOf("current"), linkOf("last-good")];
const standing = () => call("standing").out.trim().split("\n");
const install = (name: string) => mkdirSync(join(base, "releases", name), { recursive: true });
const bringUp = (name: string) => {
  install(name);
  done("switch", name, "60");
  done("confirm", name);
};
/** systemd's part: `restart` of the guard succeeds or not, and is written down with what is current at that moment. */
const systemctl = (exit: number) => {
  writeFileSync(join(base, "stubs/systemctl"), `#!/bin/sh\necho "$1 $(readlink ${base}/current)" >>${base}/systemd\nexit ${exit}\n`);
  chmodSync(join(base, "stubs/systemctl"), 0o755);
};
const rewritePending = (change: (words: readonly string[]) => readonly string[]) =>
  writeFileSync(state("pending"), `${change(readFileSync(state("pending"), "utf8").trim().split(" ")).join(" ")}\n`);

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "ck-switch-"));
  mkdirSync(join(base, "stubs"));
  mkdirSync(join(base, "releases"));
  copyFileSync(resolve(import.meta.dirname, "../../deploy/release-switch.sh"), join(base, "release-switch.sh"));
  systemctl(0);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

it("switches, confirms, and shows the good release before as the way back", () => {
  bringUp(one);
  expect(links()).toEqual([one, null]);
  bringUp(two);
  expect(links()).toEqual([two, one]);
  expect(toConfirmationState(standing(), two)).toBe("confirmed");
  expect(existsSync(state("pending"))).toBe(false);
});

it("starts the guard before the step, and does not step where the guard does not start", () => {
  bringUp(one);
  install(two);
  rmSync(join(base, "systemd"));
  done("switch", two, "60");
  expect(readFileSync(join(base, "systemd"), "utf8")).toBe(`restart releases/${one}\n`);
  done("back", "unhealthy");
  systemctl(1);
  expect(call("switch", two, "60").code).toBe(19);
  expect(links()[0]).toBe(one);
  expect(existsSync(state("pending"))).toBe(false);
});

it.each(["unhealthy", "deadline", "reboot"])("goes back for %s, says so until something is confirmed, and looks as before", (why) => {
  bringUp(one);
  bringUp(two);
  const before = links();
  install(three);
  done("switch", three, why === "deadline" ? "0" : "600");
  expect(links()).toEqual([three, two]);
  expect(toConfirmationState(standing(), three)).toBe("unconfirmed");
  if (why === "unhealthy") done("back", "unhealthy");
  if (why === "reboot") rewritePending(([name = "", deadline = ""]) => [name, deadline, "another-boot"]);
  if (why !== "unhealthy") done("watch");
  expect(links()).toEqual(before);
  expect(toConfirmationState(standing(), two)).toMatch(new RegExp(`^reverted from ${three} to ${two} at \\S+Z: ${why}$`));
  expect(call("confirm", three).code).toBe(20);
  done("switch", two, "60");
  done("confirm", two);
  expect(toConfirmationState(standing(), two)).toBe("confirmed");
});

it("waits for the deadline and not longer", () => {
  bringUp(one);
  install(two);
  done("switch", two, "2");
  const startedMs = performance.now();
  done("watch");
  expect(performance.now() - startedMs).toBeGreaterThan(900);
  expect(performance.now() - startedMs).toBeLessThan(6_000);
  expect(links()[0]).toBe(one);
});

it.each([
  ["this boot", "deadline"],
  ["another boot", "reboot"],
])("takes systemd's word in its unit that it is %s, whatever /proc shows there", (told, why) => {
  bringUp(one);
  install(two);
  done("switch", two, "1");
  const thisBoot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim().replaceAll("-", "");
  expect(callIn({ CUTTER_BOOT_ID: told === "this boot" ? thisBoot : "0".repeat(32) }, "watch")).toMatchObject({ code: 0, err: "" });
  expect(toConfirmationState(standing(), one)).toMatch(new RegExp(`: ${why}$`));
});

it("goes back to no release at all when the first one ever is not confirmed", () => {
  install(one);
  done("switch", one, "0");
  done("watch");
  expect(links()).toEqual([null, null]);
  expect(standing()).toContainEqual(expect.stringMatching(new RegExp(`^reverted ${one} none deadline `)));
});

it("goes back to the last good one, not to an unconfirmed one in between or to what a hand has linked", () => {
  bringUp(one);
  for (const name of [two, three]) install(name);
  done("switch", two, "600");
  done("switch", three, "600");
  done("back", "unhealthy");
  expect(links()).toEqual([one, null]);
  rmSync(join(base, "current"));
  symlinkSync(`releases/${two}`, join(base, "current"));
  done("switch", three, "600");
  done("back", "unhealthy");
  expect(links()).toEqual([one, null]);
});

it("takes what runs on a host of the time before it for good", () => {
  for (const name of [one, two]) install(name);
  symlinkSync(`releases/${one}`, join(base, "current"));
  done("switch", two, "600");
  expect(links()).toEqual([two, one]);
});

it("clears an intent whose switch never came, without telling of a reversal", () => {
  bringUp(one);
  install(two);
  done("switch", two, "600");
  rmSync(join(base, "current"));
  symlinkSync(`releases/${one}`, join(base, "current"));
  rewritePending(([name = "", deadline = ""]) => [name, deadline, "another-boot"]);
  done("watch");
  expect(standing()).toEqual([`good ${one}`]);
});

it("survives a record that a crash has emptied", () => {
  bringUp(one);
  writeFileSync(state("pending"), "");
  done("watch");
  expect(existsSync(state("pending"))).toBe(false);
  expect(links()[0]).toBe(one);
});

it("keeps five good releases, and the current one however old; the rest and the remains of cut uploads go, foreign folders stay", () => {
  for (let n = 1; n <= 7; n += 1) bringUp(nameOf(n));
  mkdirSync(join(base, "releases/.incoming-0.6.0-00000000000a"));
  mkdirSync(join(base, "releases/somebody"));
  done("switch", nameOf(3), "60"); // pinned
  done("confirm", nameOf(3));
  expect(links()).toEqual([nameOf(3), nameOf(7)]);
  expect(readdirSync(join(base, "releases")).sort()).toEqual([...[3, 4, 5, 6, 7].map(nameOf), "somebody"].sort());
  bringUp(nameOf(8));
  expect(readdirSync(join(base, "releases")).sort()).toEqual([...[3, 5, 6, 7, 8].map(nameOf), "somebody"].sort());
}, 120_000);

it("refuses where current is no link, and leaves it", () => {
  install(one);
  writeFileSync(join(base, "current"), "somebody's");
  expect(call("switch", one, "60").code).toBe(17);
  expect(readFileSync(join(base, "current"), "utf8")).toBe("somebody's");
  expect(call("switch", "0.6.0-ffffffffffff", "60").code).not.toBe(0);
});
