// A state whose attribute file was cut off: the real engine cannot load it, and with the kit's own start it can.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { engineEnvironment, engineFile, runPulumi } from "../../../../provision/toolchain/pulumi/run.ts";
import { removeTornAttributes, toTornLine } from "../../../../provision/toolchain/repair/torn-attributes.ts";

let folder: string;
let environment: Record<string, string>;
const attributes = () =>
  readdirSync(join(folder, ".pulumi"), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".attrs"));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ck-torn-"));
  environment = { PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "for a test" };
  writeFileSync(join(folder, "Pulumi.yaml"), "name: torn\nruntime: nodejs\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("lets the engine load a state whose attributes were cut off", { timeout: 60_000 }, async () => {
  const options = { workingDirectory: folder, environment };
  expect((await runPulumi(["stack", "init", "rented"], options)).code).toBe(0);
  const own = engineEnvironment(["stack"], options);
  const whole = attributes();
  expect(whole).toContain("stacks/torn/rented.json.attrs");
  for (const file of whole) truncateSync(join(folder, ".pulumi", file), 0);

  const direct = spawnSync(engineFile(), ["stack", "export", "--stack", "rented"], { cwd: folder, env: own, encoding: "utf8" });
  expect(direct.status).not.toBe(0);
  expect(direct.stderr).toContain("EOF");

  const { code, stdout } = await runPulumi(["stack", "export", "--stack", "rented"], options);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ version: 3 });
});

it("removes empty attribute files alone, below .pulumi of local state", () => {
  const stacks = join(folder, ".pulumi/stacks");
  mkdirSync(stacks, { recursive: true });
  writeFileSync(join(folder, "outside.attrs"), "");
  writeFileSync(join(stacks, "torn.json.attrs"), "");
  writeFileSync(join(stacks, "whole.json.attrs"), "{}");
  writeFileSync(join(stacks, "empty.json"), "");
  expect(removeTornAttributes(`file://${folder}`).map(toTornLine)).toEqual([
    "[INFO] stacks/torn.json: its attributes were cut off when a pulumi was killed, and are left out; the file itself is whole",
  ]);
  expect(readdirSync(stacks).toSorted()).toEqual(["empty.json", "whole.json.attrs"]);
  expect(existsSync(join(folder, "outside.attrs"))).toBe(true);
  expect([removeTornAttributes("s3://states"), removeTornAttributes("file:///nonexistent")]).toEqual([[], []]);
});
