// The official downloads of engine and command plugin, tried where the internet is open; a machine without it loses five seconds at most.
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commandPluginVersion, engineExecutables, pulumiVersion } from "./layout.mjs";
import { ensureCommandPlugin } from "./plugin.mjs";
import { run } from "./run.mjs";

const answerTimeoutMs = 5_000;
const downloadTimeoutMs = 10 * 60_000;
const releases = "https://get.pulumi.com/releases";

/** Both executables into `bin`, or null when the download site does not answer. */
export async function downloadEngine(bin, progress) {
  const archive = await download(`${releases}/sdk/pulumi-v${pulumiVersion}-linux-x64.tar.gz`, join(bin, "..", "sdk.tar.gz"), () =>
    progress("downloading the official release"),
  );
  if (archive === null) return null;
  await run("tar", ["-xzf", archive, "-C", bin, "--strip-components=1", ...engineExecutables.map((name) => `pulumi/${name}`)], {
    timeoutMs: downloadTimeoutMs,
  });
  rmSync(archive);
  return "official download";
}

/**
 * The official plugin into the cache where it can be had, then whichever there is into PULUMI_HOME. Asked for when nothing is installed yet, or
 * when `askAgain`; a stand-in in place is otherwise kept without asking.
 */
export async function ensureOfficialPlugin(layout, askAgain) {
  const cached = existsSync(join(layout.officialPlugin, "pulumi-resource-command"));
  const installed = existsSync(layout.pluginExecutable);
  if (!cached && (askAgain || !installed)) await downloadPlugin(layout.officialPlugin);
  const kind = ensureCommandPlugin(layout);
  if (kind === "official") return `@pulumi/command ${commandPluginVersion}, official download`;
  return `@pulumi/command ${commandPluginVersion}, our stand-in (the official one was not reachable)`;
}

async function downloadPlugin(target) {
  const folder = `${target}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  mkdirSync(folder, { recursive: true });
  try {
    const url = `${releases}/plugins/pulumi-resource-command-v${commandPluginVersion}-linux-amd64.tar.gz`;
    const archive = await download(url, join(folder, "plugin.tar.gz"), () => undefined);
    if (archive === null) return;
    await run("tar", ["-xzf", archive, "-C", folder], { timeoutMs: downloadTimeoutMs });
    rmSync(archive);
    if (!readdirSync(folder).includes("pulumi-resource-command")) throw new Error("the official archive holds no pulumi-resource-command");
    chmodSync(join(folder, "pulumi-resource-command"), 0o755);
    if (!existsSync(target)) renameSync(folder, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `file` with the bytes of `url`; null when there is no answer in time or none that is a file. A download that breaks off throws. */
async function download(url, file, onAnswer) {
  const answer = new AbortController();
  const timer = setTimeout(() => answer.abort(), answerTimeoutMs);
  let response;
  try {
    response = await fetch(url, { signal: AbortSignal.any([answer.signal, AbortSignal.timeout(downloadTimeoutMs)]) });
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok) return null;
  onAnswer();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, Buffer.from(await response.arrayBuffer()));
  return file;
}
