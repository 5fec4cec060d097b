// Is this a machine the kit can run on at all? Refuses by name, before anything is installed.
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { MissingTool } from "./step.mjs";

const nodeMajorMin = 20;

/**
 * Linux on x86-64 with Node 20 or newer; throws `MissingTool` for anything else. Who we are is a matter of later steps.
 * @param {{ platform: string, arch: string, version: string }} machine
 */
export function checkPlatform(
  { platform, arch, version } = { platform: process.platform, arch: process.arch, version: process.versions.node },
) {
  const reading = "reading; the code itself is plain TypeScript and SQL";
  if (platform !== "linux") throw new MissingTool(`this is ${platform}, the kit needs Linux (Debian 12 or newer)`, reading, true);
  if (arch !== "x64") throw new MissingTool(`this is ${arch}, the kit's Node.js and PostgreSQL packages are for x64`, reading, true);
  if (Number(version.split(".")[0]) < nodeMajorMin)
    throw new MissingTool(`Node.js ${version} is too old, ${nodeMajorMin} or newer is needed to start`, reading, true);
  return `Linux x64, Node.js ${version}`;
}

/** Started by their names, by a person or by the engine. */
const executables = [
  "provision/toolchain/start",
  "provision/toolchain/language-host/pulumi-language-nodejs",
  "provision/provider/pulumi-resource-cutterhost",
  "runbooks/disable",
];

/**
 * The checkout's place and files; throws `MissingTool` where they cannot work: a path that PATH would part, converted line ends, programs
 * that may not be executed.
 */
export function checkCheckout(checkout) {
  const reading = "reading";
  const quoted = JSON.stringify(checkout);
  if (/[:\p{Cc}]/u.test(checkout))
    throw new MissingTool(`the checkout's path ${quoted} has a colon or a control character: move it elsewhere`, reading, true);
  const again = "clone it again: git -c core.autocrlf=false clone …";
  for (const file of executables) {
    if (readFileSync(join(checkout, file), "utf8").includes("\r\n"))
      throw new MissingTool(`${file} has the line ends of Windows, so it cannot run → ${again}`, reading, true);
    try {
      accessSync(join(checkout, file), constants.X_OK);
    } catch {
      const remedy = `chmod +x ${[...executables, "runbooks/*"].join(" ")}; or move the checkout to a file system where programs may run`;
      throw new MissingTool(`${file} may not be executed here → ${remedy}`, reading, true);
    }
  }
  return "files as committed";
}
