// The Pulumi engine and its language host in the cache: copied from the user's own installation of the right version, else built by Go.
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { buildFromGoModules } from "./go-build.mjs";
import { engineExecutables, pulumiVersion } from "./layout.mjs";
import { isExecutable, run } from "./run.mjs";

const installedOrigin = "copied from the installation in ";

/**
 * Leaves both executables in `layout.engineBin`, with their digests and origin beside them: a copy, so that the user may upgrade or
 * remove his own. What was built here before gives way to an installation. Throws `MissingTool` when there is no way to get them.
 * @param {import('./layout.mjs').ToolchainLayout} layout
 * @param {(text: string) => void} progress
 */
export async function ensureEngine(layout, progress) {
  const installed = await findInstalled(layout);
  const suits = async () => (await isIntact(layout)) && (installed === null || readOrigin(layout).origin.startsWith(installedOrigin));
  if (await suits()) return `${pulumiVersion}, reused, digests right (${readOrigin(layout).origin})`;
  const folder = `${layout.engineFolder}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  try {
    const origin = installed === null ? await buildFromGoModules(layout, bin, progress) : copyInstalled(installed, bin);
    await proveVersion(bin);
    await record(folder, bin, origin);
    if (await suits()) return `${pulumiVersion}, reused: another set-up of this user finished first`;
    // A broken folder steps aside, because rename does not replace a folder with files in it.
    rmSync(layout.engineFolder, { recursive: true, force: true });
    renameSync(folder, layout.engineFolder);
    return `${pulumiVersion}, ${origin}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * As recorded when the folder was made, or null; `files` has each one's sha256.
 * @param {import('./layout.mjs').ToolchainLayout} layout
 * @returns {{ origin: string, version: string, builtAt: string, files: Record<string, string> } | null}
 */
export function readOrigin(layout) {
  return existsSync(layout.engineOrigin) ? JSON.parse(readFileSync(layout.engineOrigin, "utf8")) : null;
}

/**
 * True when every executable is there with the digest it was recorded with.
 * @param {import('./layout.mjs').ToolchainLayout} layout
 */
export async function isIntact(layout) {
  const origin = readOrigin(layout);
  if (origin === null || origin.version !== pulumiVersion) return false;
  for (const name of engineExecutables) {
    const path = join(layout.engineBin, name);
    if (!isExecutable(path) || (await sha256OfFile(path)) !== origin.files[name]) return false;
  }
  return true;
}

/**
 * The folder where the user has installed exactly this version, engine and language host side by side, or null. The kit's own cache,
 * which is on PATH after `. ./.env.pulumi`, is none; nor is a folder of npm's, whose `pulumi` is only a launcher.
 */
async function findInstalled(layout) {
  mkdirSync(dirname(layout.engineFolder), { recursive: true });
  const cache = `${realpathSync(dirname(layout.engineFolder))}/`;
  const onPath = (process.env.PATH ?? "").split(":").filter((folder) => folder !== "" && !folder.includes("/node_modules/"));
  const own = [...onPath, join(homedir(), ".pulumi/bin"), join(homedir(), ".pulumi/versions", pulumiVersion, "bin")];
  for (const folder of own) {
    const paths = engineExecutables.map((name) => join(folder, name));
    if (!paths.every(isExecutable) || realpathSync(paths[0]).startsWith(cache)) continue;
    if ((await readVersion(paths[0]).catch(() => "")) === `v${pulumiVersion}`) return folder;
  }
  return null;
}

function copyInstalled(folder, bin) {
  for (const name of engineExecutables) copyFileSync(join(folder, name), join(bin, name));
  return `${installedOrigin}${folder}`;
}

async function proveVersion(bin) {
  for (const name of engineExecutables) chmodSync(join(bin, name), 0o755);
  const version = await readVersion(join(bin, "pulumi"));
  if (version !== `v${pulumiVersion}`) throw new Error(`the engine calls itself ${version}, not v${pulumiVersion}`);
}

/** With a home of its own that goes again, so that nothing is written into the user's. */
async function readVersion(engine) {
  const home = mkdtempSync(join(tmpdir(), "cutter-kit-"));
  const env = { PATH: process.env.PATH ?? "", HOME: home, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  try {
    return (await run(engine, ["version"], { env, timeoutMs: 60_000 })).trim();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function record(folder, bin, origin) {
  const files = {};
  for (const name of engineExecutables) files[name] = await sha256OfFile(join(bin, name));
  writeFileSync(
    join(folder, "origin.json"),
    `${JSON.stringify({ origin, version: pulumiVersion, builtAt: new Date().toISOString(), files }, null, 2)}\n`,
  );
}

async function sha256OfFile(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
