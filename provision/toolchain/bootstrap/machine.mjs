// Is this a machine the kit can run on at all? Refuses by name, before anything is installed.
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
