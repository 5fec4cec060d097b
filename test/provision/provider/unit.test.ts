// A unit whose file is as wanted can still do something else: what a drop-in changes is drift, and somebody's.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { unitKind } from "../../../provision/provider/kinds/unit.ts";
import { localAddress, localHost } from "../../support/local-host.ts";

const owner = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
const group = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim();
const name = "cutter-unit-test@.service";
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ck-unit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("calls a drop-in beside an untouched unit an obstruction, by its path", async () => {
  const path = join(folder, name);
  writeFileSync(path, "[Service]\n", { mode: 0o644 });
  const resource = unitKind.bind(await unitKind.parse({ host: localAddress, path, name, mode: "0644", owner, group, content: "[Service]\n", activation: "none" }));
  expect(await resource.read(localHost)).toMatchObject({ state: "present", inputs: { mode: "0644", content: "[Service]\n" } });
  mkdirSync(`${path}.d`);
  writeFileSync(join(`${path}.d`, "override.conf"), "[Service]\nUser=root\n");
  expect(await resource.read(localHost)).toEqual({ state: "obstructed", by: `the drop-in ${path}.d/override.conf` });
});
