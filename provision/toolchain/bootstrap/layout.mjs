// Where the toolchain's parts lie and which versions they have: the one place, read by the bootstrap (plain JavaScript) and by TypeScript
// alike.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const pulumiVersion = "3.259.0";
export const languageHostVersion = "3.68.0";
export const commandPluginVersion = "1.2.1";

/** The executables the engine folder must hold; the engine finds the language host beside itself. */
export const engineExecutables = ["pulumi", "pulumi-language-nodejs"];

/** The checkout this file belongs to. */
export const thisCheckout = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** @typedef {ReturnType<typeof toolchainLayout>} ToolchainLayout */

/** The user's own folder; where HOME is empty or no path, the one of the account. */
const userHome = isAbsolute(homedir()) ? homedir() : userInfo().homedir;

/**
 * The cache shared by all checkouts of this user: `$XDG_CACHE_HOME/cutter-kit`, by default under `~/.cache`.
 * @param {NodeJS.ProcessEnv} environment
 */
function cacheRoot(environment = process.env) {
  const base = environment.XDG_CACHE_HOME ?? "";
  return join(isAbsolute(base) ? base : join(userHome, ".cache"), "cutter-kit");
}

/**
 * Every path of the toolchain. The engine lies in the shared cache, keyed by version and by what it is built from.
 * PULUMI_HOME, state and passphrase belong to one checkout: the stand-in plugin in PULUMI_HOME runs this checkout's code,
 * and two checkouts must not see each other's stack selection.
 * @param {NodeJS.ProcessEnv} environment
 */
export function toolchainLayout(checkout = thisCheckout, environment = process.env) {
  const sources = ["engine", "language-nodejs"].map((module) => join(checkout, "provision/toolchain", module));
  const key = createHash("sha256");
  for (const source of sources) for (const file of ["go.mod", "go.sum"]) key.update(readFileSync(join(source, file)));
  const engineFolder = join(cacheRoot(environment), "pulumi", `${pulumiVersion}-${key.digest("hex").slice(0, 12)}`);
  const state = join(checkout, ".pulumi-state");
  const pulumiHome = join(state, "home");
  return {
    checkout,
    engineFolder,
    engineBin: join(engineFolder, "bin"),
    engineOrigin: join(engineFolder, "origin.json"),
    installedPlugin: join(userHome, ".pulumi/plugins", `resource-command-v${commandPluginVersion}`),
    state,
    pulumiHome,
    launcherBin: join(pulumiHome, "versions", pulumiVersion, "bin"),
    pluginFolder: join(pulumiHome, "plugins", `resource-command-v${commandPluginVersion}`),
    pluginExecutable: join(pulumiHome, "plugins", `resource-command-v${commandPluginVersion}`, "pulumi-resource-command"),
    backend: join(state, "backend"),
    passphraseFile: join(state, "passphrase"),
    wrapperBin: join(state, "bin"),
    dotEnv: join(checkout, ".env.pulumi"),
    nodeBin: join(checkout, "node_modules/.bin"),
  };
}
