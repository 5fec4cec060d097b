// The checkout's private side of the toolchain: PULUMI_HOME, state folder, passphrase, the `pulumi` wrapper and .env.pulumi. Made again
// whenever missing.
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureFile, ensureSymlink, shellQuoted } from "./files.mjs";
import { engineExecutables } from "./layout.mjs";
import { ensureCommandPlugin } from "./plugin.mjs";

/**
 * Idempotent; replaces nothing that is already right. The passphrase is made once and never again: losing it loses the stack's secrets.
 * @param {import('./layout.mjs').ToolchainLayout} layout
 */
export function ensurePulumiHome(layout) {
  for (const folder of [layout.state, layout.pulumiHome, layout.backend, layout.launcherBin, layout.wrapperBin])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (findPassphraseNeed(layout) === null) ensurePassphrase(layout.passphraseFile);
  removeAttributeFiles(join(layout.backend, ".pulumi"));
  // The npm launcher looks here before it would download; the engine finds its language host beside its real path, in the cache.
  for (const name of engineExecutables) ensureSymlink(join(layout.engineBin, name), join(layout.launcherBin, name));
  ensureCommandPlugin(layout);
  ensureFile(join(layout.wrapperBin, "pulumi"), wrapperText(layout), 0o755);
  ensureFile(layout.dotEnv, dotEnvText(layout), 0o600);
}

/**
 * What both the wrapper and .env.pulumi set, without PATH and without the ssh agent, which depend on the caller.
 * @param {import('./layout.mjs').ToolchainLayout} layout
 * @returns {Record<string, string>}
 */
export function fixedEnvironment(layout) {
  return {
    PULUMI_HOME: layout.pulumiHome,
    PULUMI_BACKEND_URL: `${pathToFileURL(layout.backend).href}?metadata=skip`, // as toBackendUrl says why
    PULUMI_CONFIG_PASSPHRASE_FILE: layout.passphraseFile,
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_RUN_PROGRAM: "true",
    NODE_COMPILE_CACHE: join(layout.state, "compile-cache"),
    CUTTER_KIT_TOOLCHAIN: layout.checkout,
  };
}

/**
 * Once, where an earlier version of the kit let the engine write attributes beside each file of its state, meta.yaml first: the engine
 * still reads those that are there, does without those that are not, and cannot load a state whose attributes were cut off.
 */
function removeAttributeFiles(state) {
  const mark = join(state, "meta.yaml.attrs");
  if (!existsSync(mark)) return;
  const files = readdirSync(state, { recursive: true }).map((file) => join(state, file));
  for (const file of [...files.filter((name) => name.endsWith(".attrs") && name !== mark), mark]) rmSync(file, { force: true });
}

/**
 * The first file that only the passphrase of before can open, where that one is missing and a new one would be of no use; null where it is
 * there, or nothing needs it. State of the kit's own backend, or a stack's config that an engine has written.
 * @param {import('./layout.mjs').ToolchainLayout} layout
 * @returns {string | null}
 */
export function findPassphraseNeed(layout) {
  if (existsSync(layout.passphraseFile)) return null;
  const stacks = join(layout.backend, ".pulumi/stacks");
  const states = existsSync(stacks) ? readdirSync(stacks, { recursive: true }).filter((file) => file.endsWith(".json")) : [];
  if (states.length > 0) return join(stacks, states.toSorted()[0]);
  const configs = readdirSync(layout.checkout).filter((file) => /^Pulumi\..+\.yaml$/.test(file));
  const bound = configs.toSorted().find((file) => /^encryptionsalt:/m.test(readFileSync(join(layout.checkout, file), "utf8")));
  return bound === undefined ? null : join(layout.checkout, bound);
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
  return [
    "#!/bin/sh",
    `exec sh ${shellQuoted(join(layout.checkout, "provision/toolchain/start"))} provision/toolchain/pulumi/main.ts "$@"`,
    "",
  ].join("\n");
}

function dotEnvText(layout) {
  const { NODE_COMPILE_CACHE: _, ...forEveryProgram } = fixedEnvironment(layout); // which cutter, and other programs of that shell, refuse
  const lines = Object.entries(forEveryProgram).map(([name, value]) => `export ${name}=${shellQuoted(value)}`);
  return [
    "# Written by npm run doctor for this checkout alone: . ./.env.pulumi makes plain `pulumi preview|up|refresh|destroy` work.",
    ...lines,
    `export PATH=${shellQuoted(layout.wrapperBin)}:${shellQuoted(layout.engineBin)}:${shellQuoted(layout.nodeBin)}:"$PATH"`,
    "",
  ].join("\n");
}
