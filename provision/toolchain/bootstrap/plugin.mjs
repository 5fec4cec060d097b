// The plugin of @pulumi/command in the checkout's PULUMI_HOME: the official one where the cache has it, else our stand-in.
import { existsSync, lstatSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureFile, ensureSymlink, shellQuoted } from "./files.mjs";

/** Makes the plugin findable at its exact version. Returns "official" or "stand-in", which is what is now installed. Idempotent. */
export function ensureCommandPlugin(layout) {
  const official = existsSync(join(layout.officialPlugin, "pulumi-resource-command"));
  const present = lstatSync(layout.pluginFolder, { throwIfNoEntry: false });
  if (present !== undefined && present.isSymbolicLink() !== official) rmSync(layout.pluginFolder, { recursive: true });
  if (official) ensureSymlink(layout.officialPlugin, layout.pluginFolder);
  else ensureFile(layout.pluginExecutable, standInText(layout), 0o755);
  return official ? "official" : "stand-in";
}

/** Two lines of sh, because the engine starts an executable of exactly this name. Node and code are this checkout's. */
function standInText(layout) {
  const node = shellQuoted(join(layout.nodeBin, "node"));
  return ["#!/bin/sh", `exec ${node} ${shellQuoted(join(layout.checkout, "provision/toolchain/command-plugin/main.ts"))} "$@"`, ""].join(
    "\n",
  );
}
