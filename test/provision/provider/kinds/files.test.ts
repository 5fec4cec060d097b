// Directories, files, links and releases: what the scripts do to real paths, and what drift looks like in a reading.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
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
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { readPathFacts } from "../../../../provision/host/path-facts.ts";
import type { Kind, Resource } from "../../../../provision/provider/kind/define.ts";
import { directoryKind } from "../../../../provision/provider/kinds/directory.ts";
import { fileKind } from "../../../../provision/provider/kinds/file.ts";
import { linkKind } from "../../../../provision/provider/kinds/link.ts";
import { toWriteFile } from "../../../../provision/provider/kinds/support/write-file.ts";
import { localAddress, localContext, localHost, runLocalJob } from "../../../support/hosts/local-host.ts";

const owner = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
const group = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ck-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bind = (kind: Kind, inputs: object): Promise<Resource> => kind.parse({ host: localAddress, ...inputs });
const file = (content: string, path = join(folder, "file.txt")) => bind(fileKind, { path, mode: "0640", owner, group, content });
const directory = (keep = false) => bind(directoryKind, { path: join(folder, "directory"), mode: "0750", owner, group, keep });

it("writes a file whole, with its mode, and reads it back as wanted", async () => {
  const resource = await file("one\ntwo\n");
  await resource.write(localContext);
  expect(readFileSync(join(folder, "file.txt"), "utf8")).toBe("one\ntwo\n");
  expect(statSync(join(folder, "file.txt")).mode & 0o777).toBe(0o640);
  expect(await resource.read(localHost)).toMatchObject({
    state: "present",
    inputs: { content: "one\ntwo\n", sha256: sha256Hex("one\ntwo\n"), mode: "0640", owner, group },
  });
  expect(readdirSync(folder)).toEqual(["file.txt"]);
});

it("shows an edited file with secrets cut out, a changed mode, and puts both back", async () => {
  const resource = await file("limit: 10\n");
  await resource.write(localContext);
  writeFileSync(join(folder, "file.txt"), "limit: 99\npassword: hunter2\n");
  chmodSync(join(folder, "file.txt"), 0o4777);
  const reading = await resource.read(localHost);
  expect(reading).toMatchObject({
    inputs: { content: "limit: 99\npassword: [REDACTED]\n", sha256: sha256Hex("limit: 99\npassword: hunter2\n"), mode: "4777" },
  });
  await resource.write(localContext);
  expect(await resource.read(localHost)).toMatchObject({ inputs: { content: "limit: 10\n", mode: "0640" } });
});

it("leaves the old file when an upload was cut, and nothing beside it", async () => {
  await (await file("old\n")).write(localContext);
  const write = toWriteFile(
    { path: join(folder, "file.txt"), mode: "0644", owner, group, sha256: sha256Hex("new and whole\n") },
    Buffer.from("new and"),
  );
  await expect(runLocalJob(write)).rejects.toThrow("exit 18");
  expect(readFileSync(join(folder, "file.txt"), "utf8")).toBe("old\n");
  expect(readdirSync(folder)).toEqual(["file.txt"]);
});

it("refuses to write through a symlink or over a directory, and calls both obstructions", async () => {
  symlinkSync("/etc/hostname", join(folder, "link"));
  mkdirSync(join(folder, "place"));
  for (const name of ["link", "place"]) {
    const resource = await file("x\n", join(folder, name));
    expect(await resource.read(localHost)).toMatchObject({ state: "obstructed" });
    await expect(resource.write(localContext)).rejects.toThrow("exit 17");
  }
  expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
});

it("makes a directory, sees another mode, puts it back, and removes it only when it is empty", async () => {
  const resource = await directory();
  expect(await resource.read(localHost)).toEqual({ state: "absent" });
  await resource.write(localContext);
  chmodSync(join(folder, "directory"), 0o777);
  expect(await resource.read(localHost)).toMatchObject({ inputs: { mode: "0777" } });
  await resource.write(localContext);
  expect(await resource.read(localHost)).toMatchObject({ inputs: { mode: "0750" } });
  const removal = resource.remove() ?? { script: "exit 1", args: [] };
  writeFileSync(join(folder, "directory", "evidence"), "");
  await runLocalJob(removal);
  expect(existsSync(join(folder, "directory", "evidence"))).toBe(true);
  rmSync(join(folder, "directory", "evidence"));
  await runLocalJob(removal);
  expect(existsSync(join(folder, "directory"))).toBe(false);
  expect((await directory(true)).remove()).toBeNull();
});

it("points a link, sees it pointed elsewhere, and never replaces a file by it", async () => {
  const path = join(folder, "command");
  const resource = await bind(linkKind, { path, target: "/opt/cutter/current/bin/cutter" });
  await resource.write(localContext);
  rmSync(path);
  symlinkSync("/tmp/other", path);
  expect(await resource.read(localHost)).toMatchObject({ inputs: { target: "/tmp/other" } });
  await resource.write(localContext);
  expect(readlinkSync(path)).toBe("/opt/cutter/current/bin/cutter");
  rmSync(path);
  writeFileSync(path, "somebody's");
  await expect(resource.write(localContext)).rejects.toThrow("exit 17");
  expect(readFileSync(path, "utf8")).toBe("somebody's");
});

it("tells a missing path from a missing parent, and a fifo from a file", async () => {
  expect(await readPathFacts(localHost, join(folder, "a/b/c"))).toEqual({ kind: "absent" });
  execFileSync("mkfifo", [join(folder, "fifo")]);
  expect(await readPathFacts(localHost, join(folder, "fifo"))).toEqual({ kind: "other", what: "fifo" });
});
