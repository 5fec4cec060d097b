// The release is reproducible and self-contained: two builds agree to the byte, and it runs where nothing is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildRelease, type BuiltRelease } from "../../deploy/build.ts";
import { releaseManifestSchema } from "../../orchestrator/core/host/release-manifest.ts";

const sha256Of = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
const roots: string[] = [];
let first: BuiltRelease;
let second: BuiltRelease;

beforeAll(async () => {
  for (const _ of ["first", "second"]) roots.push(mkdtempSync(join(tmpdir(), "cutter-build-")));
  const before = process.umask(0o077);
  [first, second] = (await Promise.all(roots.map((root) => buildRelease(root))).finally(() => process.umask(before))) as [
    BuiltRelease,
    BuiltRelease,
  ];
}, 180_000);
afterAll(() => roots.forEach((root) => rmSync(root, { recursive: true, force: true })));

describe("a release", () => {
  it("is the same to the byte when built again elsewhere, archive included", () => {
    expect(second.name).toBe(first.name);
    expect(sha256Of(second.archivePath)).toBe(sha256Of(first.archivePath));
  });

  it("has the modes it says it has, whatever the umask is", () => {
    for (const { directory } of [first, second]) {
      expect(statSync(join(directory, "manifest.json")).mode & 0o777).toBe(0o644);
      expect(statSync(join(directory, "bin/cutter")).mode & 0o777).toBe(0o755);
    }
  });

  it("lists every file but the manifest, with the sha256, size and mode it has", () => {
    const manifest = releaseManifestSchema.parse(JSON.parse(readFileSync(join(first.directory, "manifest.json"), "utf8")));
    const onDisk = readdirSync(first.directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
    expect(manifest.files).toHaveLength(onDisk - 1);
    for (const file of manifest.files) {
      const path = join(first.directory, file.path);
      expect([file.path, sha256Of(path), statSync(path).size, (statSync(path).mode & 0o7777).toString(8).padStart(4, "0")]).toEqual([
        file.path,
        file.sha256,
        file.size,
        file.mode,
      ]);
    }
    expect(first.sha256).toBe(sha256Of(join(first.directory, "manifest.json")));
  });

  it("leaves the sandbox's substrate and this machine's paths out", () => {
    expect(existsSync(join(first.directory, "sql/substrate"))).toBe(false);
    const checkout = resolve(import.meta.dirname, "../..");
    for (const name of ["cutter.mjs", "cutter-root.mjs"])
      expect(readFileSync(join(first.directory, "bin", name), "utf8")).not.toContain(checkout);
  });

  it("runs by its own launcher, with an empty environment and hostile Node settings taken away", () => {
    const run = spawnSync(join(first.directory, "bin/cutter"), ["--help"], {
      env: { PATH: "/usr/bin:/bin", NODE_OPTIONS: "--require /nonexistent.js", NODE_COMPILE_CACHE: "/nonexistent" },
      encoding: "utf8",
    });
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    expect(run.stdout).toContain("orchestrate");
  });
});
