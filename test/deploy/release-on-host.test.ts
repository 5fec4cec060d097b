// A release's folder against its manifest, and the switch: each difference is named, each switch leaves a way back.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { toDamage, type FoundFile } from "../../deploy/damage.ts";
import { sha256Hex } from "../../orchestrator/core/digest.ts";

const manifest = Buffer.from(JSON.stringify({ schema: "cutter.manifest/1", version: "0.6.0", node: "24.21.0", files: [{ path: "bin/cutter", sha256: "a".repeat(64), size: 3, mode: "0755" }] }));
const sha256 = sha256Hex(manifest);
const cutter: FoundFile = { path: "bin/cutter", kind: "f", mode: "0755", owner: "root:root", size: 3, sha256: "a".repeat(64) };
const itself: FoundFile = { path: "manifest.json", kind: "f", mode: "0644", owner: "root:root", size: manifest.length, sha256 };

it("finds nothing in a whole release, by the full digest or by the name's 12 digits", () => {
  expect(toDamage(manifest, sha256, [itself, cutter, { ...cutter, path: "bin", kind: "d" }])).toEqual([]);
  expect(toDamage(manifest, sha256.slice(0, 12), [itself, cutter])).toEqual([]);
});

it.each<[string, readonly FoundFile[]]>([
  ["bin/cutter: missing", [itself]],
  ["bin/cutter: content", [itself, { ...cutter, sha256: "b".repeat(64) }]],
  ["bin/cutter: mode 4755", [itself, { ...cutter, mode: "4755" }]],
  ["bin/cutter: owner cutter:cutter", [itself, { ...cutter, owner: "cutter:cutter" }]],
  ["bin/cutter: not a regular file", [itself, { ...cutter, kind: "l" }]],
  ["bin: directory 0777 root:root", [itself, cutter, { ...cutter, path: "bin", kind: "d", mode: "0777" }]],
  [".: directory 0755 cutter:cutter", [itself, cutter, { ...cutter, path: "", kind: "d", owner: "cutter:cutter" }]],
  ["bin/extra: not in the manifest", [itself, cutter, { ...cutter, path: "bin/extra" }]],
])("names %s", (damage, found) => {
  expect(toDamage(manifest, sha256, found)).toEqual([damage]);
});

it("trusts no file when the manifest itself is another one", () => {
  expect(toDamage(Buffer.concat([manifest, Buffer.from(" ")]), sha256, [itself, cutter])).toEqual(["manifest.json: content"]);
});

let base: string;
const install = (name: string) => {
  mkdirSync(join(base, "releases", name, "bin"), { recursive: true });
  copyFileSync(resolve(import.meta.dirname, "../../deploy/activate.sh"), join(base, "releases", name, "bin/activate.sh"));
};
const activate = (name: string) => execFileSync("sh", [join(base, "releases", name, "bin/activate.sh")], { stdio: "pipe" });

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "ck-base-"));
  install("1");
  install("2");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

it("switches, remembers the release before, and does nothing the second time", () => {
  activate("1");
  expect(readlinkSync(join(base, "current"))).toBe("releases/1");
  expect(existsSync(join(base, "last-good"))).toBe(false);
  activate("2");
  activate("2");
  expect(readlinkSync(join(base, "current"))).toBe("releases/2");
  expect(readlinkSync(join(base, "last-good"))).toBe("releases/1");
});

it("refuses where current is no link, and leaves it", () => {
  writeFileSync(join(base, "current"), "somebody's");
  expect(() => activate("1")).toThrow(expect.objectContaining({ status: 17 }));
});
