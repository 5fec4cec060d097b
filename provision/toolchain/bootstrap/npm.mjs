// The npm packages of the lockfile: installed by npm ci only when node_modules is not in step with it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, run } from "./run.mjs";
import { MissingTool } from "./step.mjs";

const timeoutMs = 15 * 60_000;
/** All kinds of packages, whatever NODE_ENV or the user's npm config leaves out: the kit's own Node.js is one of them. */
const ciWords = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];

/** Idempotent. Throws `MissingTool` (fatal: nothing else can run) when npm is absent or fails. */
export async function ensureNpmPackages({ checkout }) {
  const wanted = readPackages(join(checkout, "package-lock.json"));
  const count = Object.keys(wanted).length - 1;
  if (existsSync(join(checkout, "node_modules/.bin/node")) && isInStep(wanted, readInstalled(checkout)))
    return `${count} in step with the lockfile, reused`;
  const npm = findNpm();
  if (npm === null)
    throw new MissingTool("npm is not on PATH", "reading only: every command needs the packages of package-lock.json", true);
  try {
    await run(npm[0], [...npm.slice(1), ...ciWords], { cwd: checkout, timeoutMs });
  } catch (error) {
    throw new MissingTool(`npm ci failed: ${error.message}`, "reading only: every command needs the packages of package-lock.json", true);
  }
  return `${count} installed from the lockfile`;
}

/**
 * npm records what it has installed in node_modules/.package-lock.json. In step means: the same paths, versions and integrities, where a
 * package for another platform may be absent.
 * @param {Record<string, { version?: string, integrity?: string, optional?: boolean }>} wanted
 * @param {typeof wanted} installed
 */
export function isInStep(wanted, installed) {
  const differs = ([path, entry]) => {
    const present = installed[path];
    if (present === undefined) return !(entry.optional === true || entry.devOptional === true || entry.peer === true);
    return present.version !== entry.version || present.integrity !== entry.integrity;
  };
  const known = Object.entries(wanted).filter(([path]) => path !== "");
  return !known.some(differs) && Object.keys(installed).every((path) => path in wanted);
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

function readInstalled(checkout) {
  const file = join(checkout, "node_modules/.package-lock.json");
  return existsSync(file) ? readPackages(file) : {};
}

/** The npm that started us, else the one on PATH; as argv. */
function findNpm() {
  const script = process.env.npm_execpath ?? "";
  if (script.endsWith("npm-cli.js") && existsSync(script)) return [process.execPath, script];
  const program = findProgram("npm");
  return program === null ? null : [program];
}
