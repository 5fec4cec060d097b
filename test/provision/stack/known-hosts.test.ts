// Pulumi.<stack>.known_hosts: the same hosts as the config, whatever form that is written in, because the config is read by its own parser.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { toLeftLine, writeKnownHosts } from "../../../provision/stack/known-hosts.ts";
import { readStack } from "../../../runbooks/stack.ts";

const example = parse(readFileSync(resolve(import.meta.dirname, "../../../Pulumi.sandbox.example.yaml"), "utf8")) as {
  readonly config: Readonly<Record<string, unknown>>;
};
const single = ["host", "port", "user", "hostKey", "machineIdentity"].map((name) => `cutter-kit:${name}`);
const rest = stringify({ config: Object.fromEntries(Object.entries(example.config).filter(([key]) => !single.includes(key))) });
const key = `ssh-ed25519 ${"A".repeat(68)}`;
const identity = "1".repeat(64);
let folder: string;
const file = (): string => join(folder, "Pulumi.pair.known_hosts");
const lines = (): readonly string[] =>
  readFileSync(file(), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "known-hosts-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The file for a stack whose config ends with these lines. */
function configure(hosts: string): readonly string[] {
  writeFileSync(join(folder, "Pulumi.pair.yaml"), rest + hosts);
  return writeKnownHosts(readStack("pair", folder), folder);
}

const [one, two] = ["one", "two"].map((name) => `name: ${name}, hostKey: "${key}", machineIdentity: "${identity}"`);
const block = `  cutter-kit:hosts:\n    - { ${one ?? ""}, host: 192.0.2.1 }\n    - { ${two ?? ""}, host: "0::1", port: 2222 }\n`;
it.each([
  ["flow entries", block],
  ["one flow list", `  cutter-kit:hosts: [{ ${one ?? ""}, host: 192.0.2.1 }, { ${two ?? ""}, host: "0::1", port: 2222 }]\n`],
  ["CRLF", block.replaceAll("\n", "\r\n")],
  [
    "an anchor and a folded text",
    `  cutter-kit:hosts:\n    - name: one\n      host: 192.0.2.1\n      hostKey: &k >-\n        ssh-ed25519\n        ${"A".repeat(68)}\n` +
      `      machineIdentity: "${identity}"\n    - { name: two, host: "0::1", port: 2222, hostKey: *k, machineIdentity: "${identity}" }\n`,
  ],
])("both hosts of a list, written as %s", (_form, hosts) => {
  expect(configure(hosts)).toEqual([]);
  expect(lines()).toEqual([`192.0.2.1 ${key} one`, `[0::1]:2222 ${key} two`]);
});

it("names a host that leaves, gives an unchanged file a new time, and leaves no other file behind", () => {
  configure(block);
  utimesSync(file(), 1_000, 1_000);
  const hosts = `  cutter-kit:hosts:\n    - { ${two ?? ""}, host: "0::1", port: 2222 }\n`;
  const left = configure(hosts);
  expect(toLeftLine("pair", left)).toContain("no longer names 192.0.2.1, as");
  utimesSync(file(), 1_000, 1_000);
  expect(configure(hosts)).toEqual([]);
  expect(statSync(file()).mtimeMs).toBeGreaterThan(1_000_000);
  expect(readdirSync(folder)).toEqual(["Pulumi.pair.known_hosts", "Pulumi.pair.yaml"]);
});

it("refuses where the file cannot be written: a host that cannot be switched off must not be armed", () => {
  mkdirSync(file());
  expect(() => configure(block)).toThrow(/STACK_CONFIG_INVALID .*Pulumi\.pair\.known_hosts cannot be written: E/);
  expect(readdirSync(folder)).toEqual(["Pulumi.pair.known_hosts", "Pulumi.pair.yaml"]);
});
