// Files: whole or not at all, with the mode that was asked for.
import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { nodeFiles } from "../../../../orchestrator/adapters/node-files/node-files.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cutter-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("answers null for what is absent", async () => {
  const path = join(folder, "absent");
  expect([await nodeFiles.read(path), await nodeFiles.list(path), await nodeFiles.facts(path), await nodeFiles.sha256(path)]).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

it("replaces a file in one step, whatever the umask, and leaves nothing beside it", async () => {
  const umask = process.umask(0o077);
  try {
    const path = join(folder, "file");
    await nodeFiles.writeAtomic(path, "one", 0o600);
    await nodeFiles.writeAtomic(path, "two", 0o644);
    expect(Buffer.from((await nodeFiles.read(path)) ?? []).toString()).toBe("two");
    expect(await nodeFiles.facts(path)).toMatchObject({ kind: "file", mode: 0o644, size: 3 });
    expect(await nodeFiles.sha256(path)).toBe("3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3");
    expect(await readdir(folder)).toEqual(["file"]);
  } finally {
    process.umask(umask);
  }
});

it("leaves nothing behind when it cannot write", async () => {
  await nodeFiles.makeFolder(join(folder, "taken"), 0o700);
  await expect(nodeFiles.writeAtomic(join(folder, "taken"), "x", 0o600)).rejects.toMatchObject({ code: "EISDIR" });
  expect(await readdir(folder)).toEqual(["taken"]);
});

it("makes a folder once, and tells a link from what it leads to", async () => {
  expect(await nodeFiles.makeFolder(join(folder, "a"), 0o750)).toBe(true);
  expect(await nodeFiles.makeFolder(join(folder, "a"), 0o700)).toBe(false);
  expect(await nodeFiles.facts(join(folder, "a"))).toMatchObject({ kind: "folder", mode: 0o750 });
  await symlink(join(folder, "a"), join(folder, "b"));
  expect(await nodeFiles.facts(join(folder, "b"))).toMatchObject({ kind: "link" });
});
