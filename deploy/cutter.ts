// `npm run cutter -- …`: the release that this checkout builds, run on this machine: what a host of the same release says, it says too.
import { ok } from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { buildRelease } from "./build.ts";

/** All it gets of the caller's environment: none of this can change what code runs, or where it connects. */
const passedOn = ["PATH", "HOME", "LANG", "LC_ALL", "TERM", "TZ", "TMPDIR"];

const { directory } = await buildRelease();
const program = join(directory, "bin/cutter");
process.chdir(process.env["INIT_CWD"] ?? process.cwd()); // files are named from where the command was typed; npm changes to the checkout
ok(process.execve, "this runs on the Node.js of node_modules: call it by npm run");
const environment = Object.fromEntries(passedOn.map((name) => [name, process.env[name]]).filter(([, value]) => value !== undefined));
process.execve(program, [program, ...process.argv.slice(2)], environment as Record<string, string>);
