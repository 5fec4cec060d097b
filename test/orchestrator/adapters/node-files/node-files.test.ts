// Files: whole or not at all, with the mode that was asked for; the quick ones of the tests' worlds keep the same contract.
import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeFiles } from "../../../../orchestrator/adapters/node-files/node-files.ts";
import { quickFiles } from "../../../support/worlds/quick-files.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cutter-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each([
  ["nodeFiles", nodeFiles],
  ["quickFiles", quickFiles],
] as const)("%s", (_name, files) => {
  it("answers null for what is absent", async () => {
    const path = join(folder, "absent");
    expect([await files.read(path), await files.list(path), await files.facts(path), await files.sha256(path)]).toEqual([
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
      await files.writeAtomic(path, "one", 0o600);
      await files.writeAtomic(path, "two", 0o644);
      expect(Buffer.from((await files.read(path)) ?? []).toString()).toBe("two");
      expect(await files.facts(path)).toMatchObject({ kind: "file", mode: 0o644, size: 3 });
      expect(await files.sha256(path)).toBe("3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3");
      expect(await readdir(folder)).toEqual(["file"]);
    } finally {
      process.umask(umask);
    }
  });

  it("leaves nothing behind when it cannot write", async () => {
    await files.makeFolder(join(folder, "taken"), 0o700);
    await expect(files.writeAtomic(join(folder, "taken"), "x", 0o600)).rejects.toMatchObject({ code: "EISDIR" });
    expect(await readdir(folder)).toEqual(["taken"]);
  });

  it("makes a folder once, and tells a link from what it leads to", async () => {
    expect(await files.makeFolder(join(folder, "a"), 0o750)).toBe(true);
    expect(await files.makeFolder(join(folder, "a"), 0o700)).toBe(false);
    expect(await files.facts(join(folder, "a"))).toMatchObject({ kind: "folder", mode: 0o750 });
    await symlink(join(folder, "a"), join(folder, "b"));
    expect(await files.facts(join(folder, "b"))).toMatchObject({ kind: "link" });
  });
});
