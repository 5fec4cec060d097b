// The Pulumi engine and its language host: reused when their digests are right, else found, downloaded, or built by Go.
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, copyFileSync, createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { buildFromGoModules } from "./go-build.mjs";
import { engineExecutables, pulumiVersion } from "./layout.mjs";
import { downloadEngine } from "./official.mjs";
import { isExecutable, run } from "./run.mjs";

/** Leaves both executables in `layout.engineBin`, with their digests and origin beside them. Throws `MissingTool` when there is no way to get them. */
export async function ensureEngine(layout, progress) {
  if (await isIntact(layout)) return `${pulumiVersion}, reused, digests right (${readOrigin(layout).origin})`;
  const folder = `${layout.engineFolder}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  try {
    const origin = (await copyInstalled(bin)) ?? (await downloadEngine(bin, progress)) ?? (await buildFromGoModules(layout, bin, progress));
    await proveVersion(bin);
    await record(folder, bin, origin);
    if (await isIntact(layout)) return `${pulumiVersion}, reused: another set-up of this user finished first`;
    // A broken folder steps aside, because rename does not replace a folder with files in it.
    rmSync(layout.engineFolder, { recursive: true, force: true });
    renameSync(folder, layout.engineFolder);
    return `${pulumiVersion}, ${origin}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `{origin, version, builtAt, files: {name: sha256}}` as recorded when the folder was made, or null. */
export function readOrigin(layout) {
  return existsSync(layout.engineOrigin) ? JSON.parse(readFileSync(layout.engineOrigin, "utf8")) : null;
}

/** True when every executable is there with the digest it was recorded with. */
export async function isIntact(layout) {
  const origin = readOrigin(layout);
  if (origin === null || origin.version !== pulumiVersion) return false;
  for (const name of engineExecutables) {
    const path = join(layout.engineBin, name);
    if (!isExecutable(path) || (await sha256OfFile(path)) !== origin.files[name]) return false;
  }
  return true;
}

/** An installation of exactly this version that is already on the machine; its engine and language host stand in one folder. */
async function copyInstalled(bin) {
  const folders = [
    join(homedir(), ".pulumi/versions", pulumiVersion, "bin"),
    join(homedir(), ".pulumi/bin"),
    ...(process.env.PATH ?? "").split(":"),
  ];
  for (const folder of folders) {
    const paths = engineExecutables.map((name) => join(folder, name));
    if (folder.includes("/node_modules/") || !paths.every(isExecutable)) continue;
    const version = await run(paths[0], ["version"], { timeoutMs: 30_000 }).catch(() => "");
    if (version.trim() !== `v${pulumiVersion}`) continue;
    engineExecutables.forEach((name, index) => copyFileSync(paths[index], join(bin, name)));
    return "copied from the installation on this machine";
  }
  return null;
}

async function proveVersion(bin) {
  for (const name of engineExecutables) chmodSync(join(bin, name), 0o755);
  const environment = { PATH: process.env.PATH ?? "", HOME: bin, PULUMI_HOME: join(bin, "..", "home"), PULUMI_SKIP_UPDATE_CHECK: "true" };
  const version = await run(join(bin, "pulumi"), ["version"], { env: environment, timeoutMs: 60_000 });
  rmSync(join(bin, "..", "home"), { recursive: true, force: true });
  if (version.trim() !== `v${pulumiVersion}`) throw new Error(`the engine calls itself ${version.trim()}, not v${pulumiVersion}`);
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
