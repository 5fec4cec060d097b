// The plugin of @pulumi/command in the checkout's PULUMI_HOME: the user's own where he has installed it, else our stand-in.
import { existsSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { ensureFile, ensureSymlink, shellQuoted } from "./files.mjs";

/**
 * Makes the plugin findable at its exact version. Returns "installed" (the user's own, read and never written) or "stand-in". Idempotent.
 * @param {import('./layout.mjs').ToolchainLayout} layout
 */
export function ensureCommandPlugin(layout) {
  const own = join(layout.installedPlugin, "pulumi-resource-command");
  const installed = existsSync(own) && !existsSync(`${layout.installedPlugin}.partial`); // so the engine marks a download that broke off
  // The executable alone is linked: a folder that is a link is no plugin for the engine.
  if (lstatSync(layout.pluginFolder, { throwIfNoEntry: false })?.isSymbolicLink()) unlinkSync(layout.pluginFolder);
  mkdirSync(layout.pluginFolder, { recursive: true, mode: 0o700 });
  if (installed) ensureSymlink(own, layout.pluginExecutable);
  else ensureFile(layout.pluginExecutable, standInText(layout), 0o755);
  return installed ? "installed" : "stand-in";
}

/** Two lines of sh, because the engine starts an executable of exactly this name. Node and code are this checkout's. */
function standInText(layout) {
  const node = shellQuoted(join(layout.nodeBin, "node"));
  return ["#!/bin/sh", `exec ${node} ${shellQuoted(join(layout.checkout, "provision/toolchain/command-plugin/main.ts"))} "$@"`, ""].join(
    "\n",
  );
}
