// What npm run demo, npm test and npm run doctor run first, on a bare machine: plain JavaScript for Node 20, no dependencies.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureDebianPackages } from "./bootstrap/debian.mjs";
import { ensureEngine } from "./bootstrap/engine.mjs";
import { ensurePulumiHome } from "./bootstrap/home.mjs";
import { commandPluginVersion, toolchainLayout } from "./bootstrap/layout.mjs";
import { ensureNpmPackages } from "./bootstrap/npm.mjs";
import { checkCheckout, checkPlatform } from "./bootstrap/machine.mjs";
import { ensureCommandPlugin } from "./bootstrap/plugin.mjs";
import { MissingTool, step, warn } from "./bootstrap/step.mjs";

const layout = toolchainLayout();
/** With --tolerate what is missing is named and the rest goes on (npm test, npm run doctor); without, it ends here (npm run demo). */
const tolerate = process.argv.includes("--tolerate");
/** npm run demo and npm test need the sandbox's image next: it is made while the engine is built. */
const withSandbox = process.argv.includes("--with-sandbox");

const missing = [];
let sandboxImage = Promise.resolve();
for (const run of [
  () => step("machine", () => `${checkPlatform()}; ${checkCheckout(layout.checkout)}`),
  () => step("npm packages", () => ensureNpmPackages(layout)),
  () => step("Debian packages", () => ensureDebianPackages(layout)),
  () => step("Pulumi engine", (progress) => ensureEngine(layout, (text) => (progress(text), startSandboxImage()))),
  () => step("command plugin", () => installPlugin()),
  () => step(".env.pulumi", () => ensureEnvironment()),
]) {
  try {
    await run();
  } catch (error) {
    const known = error instanceof MissingTool ? error : toUnwritable(error);
    if (known === null) throw error;
    missing.push(known);
    warn(`${known.message}\n       without it: ${known.without}`);
    if (known.fatal) break;
  }
}
await sandboxImage;
if (missing.some(({ fatal }) => fatal) || (missing.length > 0 && !tolerate)) process.exitCode = 10;

/** A folder that cannot be written is the machine's, not a bug of ours. */
function toUnwritable(error) {
  const cannot = ["EACCES", "EROFS", "EPERM", "ENOSPC", "EDQUOT", "ENOTDIR"].includes(error.code);
  if (!cannot && error.syscall !== "mkdir") return null; // a read-only file system is ENOENT to a mkdir of several levels
  const remedy = `make it writable, or name another cache: export XDG_CACHE_HOME=FOLDER (now ${layout.engineFolder})`;
  return new MissingTool(`${error.code}: ${error.path ?? "a file"} cannot be written → ${remedy}`, "what that file is for", false);
}

function installPlugin() {
  const from = ensureCommandPlugin(layout) === "installed" ? `your own in ${layout.installedPlugin}` : "our stand-in";
  return `@pulumi/command ${commandPluginVersion}, ${from}`;
}

function ensureEnvironment() {
  ensurePulumiHome(layout);
  return "written: `. ./.env.pulumi` makes plain `pulumi` work in this checkout";
}

/** Only while the engine is being made, and only as root; a failure here is told again, in full, by the sandbox itself. */
function startSandboxImage() {
  if (!withSandbox || process.getuid() !== 0 || missing.length > 0) return;
  const child = spawn(join(layout.nodeBin, "node"), [join(layout.checkout, "provision/sandbox/image/main.ts")], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  sandboxImage = new Promise((done) => child.on("error", done).on("close", done));
}
