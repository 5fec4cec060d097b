// A unit whose file is as wanted can still do something else: drop-ins and masks are drift, and a repair moves them aside whole.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { unitKind } from "../../../../provision/provider/kinds/unit.ts";
import { toDisplaceScript } from "../../../../provision/provider/kinds/support/overrides.ts";
import { localAddress, localHost, runLocalJob } from "../../../support/hosts/local-host.ts";

const owner = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
const group = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim();
const name = "cutter-unit-test@.service";
let folder: string;
let path: string;

const bind = () =>
  unitKind.parse({ host: localAddress, path, name, mode: "0644", owner, group, content: "[Service]\n", activation: "none" });
const displace = async () => await runLocalJob({ script: toDisplaceScript('"$1"', name, join(folder, "ledger/displaced")), args: [path] });
/** Every file that was moved aside: name → content, or what a link points to. */
const readDisplaced = () => {
  const keep = join(folder, "ledger/displaced");
  const files = readdirSync(keep).flatMap((aside) => readdirSync(join(keep, aside)).map((file) => join(keep, aside, file)));
  return Object.fromEntries(
    files.map((file) => [
      file.slice(file.lastIndexOf("/") + 1),
      !lstatSync(file).isSymbolicLink() ? readFileSync(file, "utf8") : `-> ${readlinkSync(file)}`,
    ]),
  );
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ck-unit-"));
  path = join(folder, name);
  writeFileSync(path, "[Service]\n", { mode: 0o644 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("sees drop-ins and masks of the unit and of single instances, by path and never by content", async () => {
  const resource = await bind();
  expect(await resource.read(localHost)).toMatchObject({
    state: "present",
    inputs: { mode: "0644", content: "[Service]\n", overrides: "" },
  });
  mkdirSync(`${path}.d`);
  writeFileSync(join(`${path}.d`, "override.conf"), "[Service]\nUser=canary\n");
  symlinkSync("/dev/null", join(folder, "cutter-unit-test@one.service"));
  const seen = await resource.read(localHost);
  expect(seen).toMatchObject({
    state: "present",
    inputs: { overrides: `${path}.d/override.conf\n${join(folder, "cutter-unit-test@one.service")}` },
  });
  expect(JSON.stringify(seen)).not.toContain("canary");
});

it("sees the drop-ins of the unit's family too, and leaves another family's and those of all units", async () => {
  for (const family of ["cutter-unit-.service.d", "cutter-.service.d", "cutter-.socket.d", "other-.service.d", "service.d"]) {
    mkdirSync(join(folder, family));
    writeFileSync(join(folder, family, "90-local.conf"), "[Service]\nUser=canary\n");
  }
  const seen = await (await bind()).read(localHost);
  expect(seen).toMatchObject({
    inputs: { overrides: `${folder}/cutter-unit-.service.d/90-local.conf\n${folder}/cutter-.service.d/90-local.conf` },
  });
  await displace();
  expect(await (await bind()).read(localHost)).toMatchObject({ inputs: { overrides: "" } });
  expect(existsSync(join(folder, "cutter-.socket.d/90-local.conf"))).toBe(true);
  expect(existsSync(join(folder, "service.d/90-local.conf"))).toBe(true);
});

it("reads a masked unit as present and overridden, so that a repair may replace the mask", async () => {
  rmSync(path);
  symlinkSync("/dev/null", path);
  expect(await (await bind()).read(localHost)).toMatchObject({ state: "present", inputs: { content: "", overrides: path } });
});

it("calls any other link in the unit's place an obstruction", async () => {
  rmSync(path);
  symlinkSync("/etc/hostname", path);
  expect(await (await bind()).read(localHost)).toEqual({ state: "obstructed", by: "a symlink" });
});

it("moves overrides aside with their content, to a place only root opens, and may be repeated", async () => {
  mkdirSync(`${path}.d`);
  writeFileSync(join(`${path}.d`, "override.conf"), "kept\n");
  symlinkSync("/dev/null", join(folder, "cutter-unit-test@one.service"));
  await displace();
  await displace();
  expect(await (await bind()).read(localHost)).toMatchObject({ inputs: { overrides: "" } });
  expect(existsSync(`${path}.d`)).toBe(false);
  expect(readFileSync(path, "utf8")).toBe("[Service]\n");
  const flat = (file: string) => file.replaceAll("/", "-");
  expect(readDisplaced()).toEqual({
    [flat(`${path}.d/override.conf`)]: "kept\n",
    [flat(join(folder, "cutter-unit-test@one.service"))]: "-> /dev/null",
  });
  expect(statSync(join(folder, "ledger/displaced")).mode & 0o777).toBe(0o700);
});

it("leaves what stands beside the drop-ins and is none", async () => {
  mkdirSync(`${path}.d`);
  writeFileSync(join(`${path}.d`, "override.conf"), "kept\n");
  writeFileSync(join(`${path}.d`, "notes.txt"), "somebody's\n");
  await displace();
  expect(readdirSync(`${path}.d`)).toEqual(["notes.txt"]);
});
