// Another release for tests: the one this checkout builds to, with its launchers changed, and a manifest that says so truly.
import { chmodSync, cpSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { create } from "tar";
import { buildRelease } from "../../deploy/build.ts";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";
import { manifestName, releaseManifestSchema, toReleaseName } from "../../orchestrator/core/host/release-manifest.ts";

/**
 * `lines` come first in bin/`launcher`, after `#!/bin/sh`. Gives the release's name; its archive and folder stand among the built ones
 * until removed.
 */
export async function alterRelease(launcher: "cutter" | "cutter-root", lines: string): Promise<string> {
  const { directory } = await buildRelease();
  const releases = dirname(directory);
  const staging = join(releases, `.altered-${process.pid}`);
  rmSync(staging, { recursive: true, force: true });
  cpSync(directory, staging, { recursive: true });
  const path = `bin/${launcher}`;
  const file = join(staging, path);
  writeFileSync(
    file,
    readFileSync(file, "utf8").replace("#!/bin/sh\n", () => `#!/bin/sh\n${lines}\n`),
  );
  chmodSync(file, 0o755);
  const manifest = releaseManifestSchema.parse(JSON.parse(readFileSync(join(staging, manifestName), "utf8")));
  const files = manifest.files.map((entry) =>
    entry.path === path ? { ...entry, sha256: sha256Hex(readFileSync(file)), size: statSync(file).size } : entry,
  );
  const text = `${JSON.stringify({ ...manifest, files }, null, 1)}\n`;
  writeFileSync(join(staging, manifestName), text);
  const name = toReleaseName(manifest.version, sha256Hex(text));
  await create({ cwd: staging, file: join(releases, `${name}.tar.gz`), gzip: { level: 1 }, portable: true }, [
    ...files.map((entry) => entry.path),
    manifestName,
  ]);
  rmSync(join(releases, name), { recursive: true, force: true });
  renameSync(staging, join(releases, name));
  return name;
}

/** Takes an altered release away from among the built ones. */
export async function dropAlteredRelease(name: string): Promise<void> {
  const releases = dirname((await buildRelease()).directory);
  for (const path of [name, `${name}.tar.gz`]) rmSync(join(releases, path), { recursive: true, force: true });
}
