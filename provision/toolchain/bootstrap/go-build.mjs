// Builds engine and language host from the two small Go modules beside this folder, whose go.sum pins every byte.
import { join } from "node:path";
import { languageHostVersion, pulumiVersion } from "./layout.mjs";
import { findProgram, run } from "./run.mjs";
import { MissingTool } from "./step.mjs";

const timeoutMs = 45 * 60_000;
const without = "unit tests except the engine's own, typecheck, lint, the sandbox; not npm run pulumi and the demonstration";

/** What is built: module folder, package, and the variable that carries the version. */
const goBuilds = {
  pulumi: {
    module: "engine",
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    versionVariable: `github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pulumiVersion}`,
    tags: "osusergo,grpcnotrace",
  },
  "pulumi-language-nodejs": {
    module: "language-nodejs",
    package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
    versionVariable: `github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${languageHostVersion}`,
    tags: "osusergo",
  },
};

/** Both executables into `bin`. Throws `MissingTool` without Go, or with what Go said when it fails. */
export async function buildFromGoModules(layout, bin, progress) {
  requireGo();
  progress("building it from Go modules, once (4 to 7 minutes on 2 idle cores)");
  for (const name of Object.keys(goBuilds)) await goBuild(layout, name, join(bin, name));
  return "built from Go modules";
}

/** One executable to `output`. */
async function goBuild(layout, name, output) {
  const go = requireGo();
  const { module, package: packagePath, versionVariable, tags } = goBuilds[name];
  const args = ["build", "-trimpath", "-mod=readonly", "-tags", tags, "-ldflags", `-s -w -X ${versionVariable}`, "-o", output, packagePath];
  try {
    await run(go, args, {
      cwd: join(layout.checkout, "provision/toolchain", module),
      env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "" },
      timeoutMs,
    });
  } catch (error) {
    throw new MissingTool(`${name} could not be built: ${error.message}`, without);
  }
}

/** The path of Go; throws `MissingTool` where there is none. @param {string | null} go */
export function requireGo(go = findProgram("go", ["/usr/local/go/bin", "/usr/lib/go/bin"])) {
  if (go !== null) return go;
  const own = `pulumi ${pulumiVersion} (its pulumi-language-nodejs beside it, on PATH or in ~/.pulumi/bin)`;
  const remedy = "install one of the two (Go 1.26 or newer), then npm run doctor";
  throw new MissingTool(`PULUMI_ENGINE_MISSING neither ${own} nor Go, which would build it, is installed → ${remedy}`, without);
}
