// The checkout's private side of the toolchain: PULUMI_HOME, state folder, passphrase, the `pulumi` wrapper and .env.pulumi. Made again whenever missing.
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { engineExecutables } from "./layout.mjs";

/** Idempotent; replaces nothing that is already right. The passphrase is made once and never again: losing it loses the stack's secrets. */
export function ensurePulumiHome(layout) {
  for (const folder of [layout.state, layout.pulumiHome, layout.backend, layout.launcherBin, layout.wrapperBin]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  ensurePassphrase(layout.passphraseFile);
  // The npm launcher looks here before it would download; the engine finds its language host beside its real path, in the cache.
  for (const name of engineExecutables) ensureSymlink(join(layout.engineBin, name), join(layout.launcherBin, name));
  ensureFile(join(layout.wrapperBin, "pulumi"), wrapperText(layout), 0o755);
  ensureFile(layout.dotEnv, dotEnvText(layout), 0o600);
}

/** What both the wrapper and .env.pulumi set, without PATH and without the ssh agent, which depend on the caller. */
export function fixedEnvironment(layout) {
  return {
    PULUMI_HOME: layout.pulumiHome,
    PULUMI_BACKEND_URL: `file://${layout.backend}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: layout.passphraseFile,
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_RUN_PROGRAM: "true",
    CUTTER_KIT_TOOLCHAIN: layout.checkout,
  };
}

/** Writes `text` by temporary name and rename unless the file already holds it; `mode` is set either way. */
export function ensureFile(path, text, mode) {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    mkdirSync(dirname(path), { recursive: true });
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, text, { mode });
    renameSync(temporary, path);
  }
  chmodSync(path, mode);
}

/** `link` points to `target` afterwards. A folder in its way is an error of rename, not removed. */
export function ensureSymlink(target, link) {
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target) return;
  const temporary = `${link}.${process.pid}.tmp`;
  symlinkSync(target, temporary);
  renameSync(temporary, link);
}

/** A generated passphrase: it protects what Pulumi marks secret in local state, which holds no secret of the kit's. */
function ensurePassphrase(path) {
  if (existsSync(path)) return;
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, randomBytes(24).toString("base64url"), { mode: 0o600 });
  try {
    linkSync(temporary, path); // link refuses an existing name: of two processes that start together, one passphrase wins
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary);
  }
}

/** Plain `pulumi` of a shell that has read .env.pulumi: picks the ssh agent by stack, then becomes the engine. */
function wrapperText(layout) {
  return ["#!/bin/sh", `exec ${quoted(join(layout.nodeBin, "node"))} ${quoted(join(layout.checkout, "provision/toolchain/pulumi.ts"))} "$@"`, ""].join("\n");
}

function dotEnvText(layout) {
  const lines = Object.entries(fixedEnvironment(layout)).map(([name, value]) => `export ${name}=${quoted(value)}`);
  return [
    "# Written by npm run doctor for this checkout alone: . ./.env.pulumi makes plain `pulumi preview|up|refresh|destroy` work.",
    ...lines,
    `export PATH=${quoted(layout.wrapperBin)}:${quoted(layout.engineBin)}:${quoted(layout.nodeBin)}:"$PATH"`,
    "",
  ].join("\n");
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
