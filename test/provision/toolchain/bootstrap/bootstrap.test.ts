// The set-up decides rightly what to reuse: lockfile, digests, the user's own pulumi and plugin or ours; it names what is missing.
import {
  appendFileSync,
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ensureEngine, isIntact, readOrigin } from "../../../../provision/toolchain/bootstrap/engine.mjs";
import { requireGo } from "../../../../provision/toolchain/bootstrap/go-build.mjs";
import {
  engineExecutables,
  pulumiVersion,
  toolchainLayout,
  type ToolchainLayout,
} from "../../../../provision/toolchain/bootstrap/layout.mjs";
import { checkCheckout, checkPlatform } from "../../../../provision/toolchain/bootstrap/machine.mjs";
import { isInStep } from "../../../../provision/toolchain/bootstrap/npm.mjs";
import { ensureCommandPlugin } from "../../../../provision/toolchain/bootstrap/plugin.mjs";
import { elapsed } from "../../../../provision/toolchain/bootstrap/step.mjs";

let folder: string;
let layout: ToolchainLayout;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bootstrap-"));
  const real = toolchainLayout(undefined, { XDG_CACHE_HOME: join(folder, "cache") });
  const plugins = join(folder, "home/plugins/resource-command-v1.2.1");
  const installedPlugin = join(folder, "user/.pulumi/plugins/resource-command-v1.2.1");
  layout = { ...real, installedPlugin, pluginFolder: plugins, pluginExecutable: join(plugins, "pulumi-resource-command") };
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("node_modules", () => {
  const wanted = {
    "": {},
    "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
    "node_modules/b": { version: "2.0.0", integrity: "sha512-b", optional: true },
  };
  const installed = { "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } };

  test("is in step when all is there, where a package for another platform may be absent", () => {
    expect(isInStep(wanted, installed)).toBe(true);
  });

  test("is not in step with another version, other bytes, a package too few or too many", () => {
    expect(isInStep(wanted, { "node_modules/a": { version: "1.0.1", integrity: "sha512-a" } })).toBe(false);
    expect(isInStep(wanted, { "node_modules/a": { version: "1.0.0", integrity: "sha512-other" } })).toBe(false);
    expect(isInStep(wanted, {})).toBe(false);
    expect(isInStep(wanted, { ...installed, "node_modules/c": { version: "1.0.0", integrity: "sha512-c" } })).toBe(false);
  });
});

describe("the engine in the cache", () => {
  beforeEach(() => {
    mkdirSync(layout.engineBin, { recursive: true });
    const files = Object.fromEntries(
      engineExecutables.map((name) => {
        const path = join(layout.engineBin, name);
        writeFileSync(path, `#!/bin/sh\n# ${name}\n`, { mode: 0o755 });
        return [name, createHash("sha256").update(readFileSync(path)).digest("hex")];
      }),
    );
    writeFileSync(
      layout.engineOrigin,
      JSON.stringify({ origin: "of a test", version: pulumiVersion, builtAt: "2026-11-22T00:00:00Z", files }),
    );
  });

  test("is reused when its digests are right", async () => {
    expect(await isIntact(layout)).toBe(true);
  });

  test("is not reused when a byte changed, an executable is gone or cannot be run, or the record is missing", async () => {
    const language = join(layout.engineBin, "pulumi-language-nodejs");
    cpSync(language, join(folder, "kept"));
    appendFileSync(language, "x");
    expect(await isIntact(layout)).toBe(false);
    cpSync(join(folder, "kept"), language);
    expect(await isIntact(layout)).toBe(true);
    chmodSync(language, 0o644);
    expect(await isIntact(layout)).toBe(false);
    chmodSync(language, 0o755);
    rmSync(layout.engineOrigin);
    expect(await isIntact(layout)).toBe(false);
  });

  test("lies under another key when what it is built from changes", () => {
    expect(layout.engineFolder).toMatch(
      new RegExp(`^${folder}/cache/cutter-kit/pulumi/${pulumiVersion.replaceAll(".", "\\.")}-[0-9a-f]{12}$`),
    );
  });
});

describe("a pulumi that the user has installed", () => {
  let installed: string;
  const install = (version: string, ...names: readonly string[]) => {
    mkdirSync(installed, { recursive: true });
    for (const name of names) writeFileSync(join(installed, name), `#!/bin/sh\necho ${version} # ${name}\n`, { mode: 0o755 });
  };
  const right = `v${pulumiVersion}`;
  /** Ends where the build begins; without Go it begins nowhere. */
  const building = /^it is built|^PULUMI_ENGINE_MISSING/;
  const ensure = () =>
    ensureEngine(layout, () => {
      throw new Error("it is built");
    });

  beforeEach(() => {
    installed = join(folder, "usr/bin");
    vi.stubEnv("PATH", `${installed}:/usr/bin:/bin`);
    vi.stubEnv("HOME", join(folder, "user"));
  });
  afterEach(() => vi.unstubAllEnvs());

  test("is copied when it is exactly this version, and its later upgrade changes nothing", async () => {
    install(right, ...engineExecutables);
    expect(await ensure()).toBe(`${pulumiVersion}, copied from the installation in ${installed}`);
    expect(readOrigin(layout)?.origin).toBe(`copied from the installation in ${installed}`);
    expect(await ensure()).toContain("reused, digests right");
    install("v3.300.0", ...engineExecutables);
    expect(await ensure()).toContain(`reused, digests right (copied from the installation in ${installed})`);
    expect(readFileSync(join(layout.engineBin, "pulumi"), "utf8")).toContain(right);
  });

  test("is found in ~/.pulumi/bin, too, and takes the place of what was built here, with nothing written beside it", async () => {
    install(right, ...engineExecutables);
    expect(await ensure()).toContain(installed);
    writeFileSync(layout.engineOrigin, readFileSync(layout.engineOrigin, "utf8").replace("copied from", "built beside"));
    rmSync(installed, { recursive: true });
    expect(await ensure()).toContain("reused, digests right (built beside");
    installed = join(folder, "user/.pulumi/bin");
    install(right, ...engineExecutables);
    expect(await ensure()).toBe(`${pulumiVersion}, copied from the installation in ${installed}`);
    expect(readdirSync(join(folder, "user/.pulumi"), { recursive: true }).toSorted()).toEqual(
      ["bin", ...engineExecutables.map((name) => `bin/${name}`)].toSorted(),
    );
  });

  test("is not taken in another version, without its language host, from npm's launcher or from the kit's own cache", async () => {
    install("v3.260.0", ...engineExecutables);
    await expect(ensure()).rejects.toThrow(building);
    rmSync(installed, { recursive: true });
    install(right, "pulumi");
    await expect(ensure()).rejects.toThrow(building);
    for (const folderOfOurs of ["node_modules/.bin", "cache/cutter-kit/pulumi/another/bin"]) {
      installed = join(folder, folderOfOurs);
      install(right, ...engineExecutables);
      vi.stubEnv("PATH", `${installed}:/usr/bin:/bin`);
      await expect(ensure()).rejects.toThrow(building);
    }
  });

  test("is what to install, or Go, where neither is there: named with its code", () => {
    expect(() => requireGo(null)).toThrow(
      new RegExp(`^PULUMI_ENGINE_MISSING neither pulumi ${pulumiVersion.replaceAll(".", "\\.")} .* nor Go.* → install one of the two`),
    );
    expect(requireGo("/opt/go/bin/go")).toBe("/opt/go/bin/go");
  });
});

describe("the command plugin", () => {
  test("is the stand-in of this checkout while the user has none installed, and the user's own as soon as he has", () => {
    expect(ensureCommandPlugin(layout)).toBe("stand-in");
    expect(readFileSync(layout.pluginExecutable, "utf8")).toContain(join(layout.checkout, "provision/toolchain/command-plugin/main.ts"));

    mkdirSync(layout.installedPlugin, { recursive: true });
    writeFileSync(join(layout.installedPlugin, "pulumi-resource-command"), "official", { mode: 0o755 });
    writeFileSync(`${layout.installedPlugin}.partial`, "");
    expect(ensureCommandPlugin(layout)).toBe("stand-in");
    rmSync(`${layout.installedPlugin}.partial`);
    expect(ensureCommandPlugin(layout)).toBe("installed");
    expect(readFileSync(layout.pluginExecutable, "utf8")).toBe("official");

    rmSync(layout.installedPlugin, { recursive: true });
    expect(ensureCommandPlugin(layout)).toBe("stand-in");
    expect(lstatSync(layout.pluginExecutable).isSymbolicLink()).toBe(false);

    // What an earlier version linked as a whole is replaced, and not written through.
    mkdirSync(layout.installedPlugin, { recursive: true });
    rmSync(layout.pluginFolder, { recursive: true });
    symlinkSync(layout.installedPlugin, layout.pluginFolder);
    expect(ensureCommandPlugin(layout)).toBe("stand-in");
    expect(lstatSync(layout.pluginFolder).isSymbolicLink()).toBe(false);
    expect(readdirSync(layout.installedPlugin)).toEqual([]);
  });
});

describe("the machine", () => {
  test("is refused by name when it is another system, another processor, or has too old a Node.js", () => {
    const fine = { platform: "linux", arch: "x64", version: "20.0.0" };
    expect(checkPlatform(fine)).toBe("Linux x64, Node.js 20.0.0");
    expect(() => checkPlatform({ ...fine, platform: "darwin" })).toThrow("this is darwin, the kit needs Linux");
    expect(() => checkPlatform({ ...fine, arch: "arm64" })).toThrow("this is arm64");
    expect(() => checkPlatform({ ...fine, version: "18.20.0" })).toThrow("Node.js 18.20.0 is too old");
  });

  test("is refused by the file's name where the checkout's files cannot run, and by the path's where no PATH could hold it", () => {
    expect(checkCheckout(layout.checkout)).toBe("files as committed");
    const copy = join(folder, "copy");
    for (const file of ["provision/toolchain/start", "provision/toolchain/language-host", "provision/provider", "runbooks/disable"])
      cpSync(join(layout.checkout, file), join(copy, file), { recursive: true });
    chmodSync(join(copy, "runbooks/disable"), 0o644);
    expect(() => checkCheckout(copy)).toThrow(/^runbooks\/disable may not be executed here → chmod \+x .*runbooks\/disable/);
    const script = join(copy, "provision/provider/pulumi-resource-cutterhost");
    writeFileSync(script, readFileSync(script, "utf8").replaceAll("\n", "\r\n"));
    expect(() => checkCheckout(copy)).toThrow(/^provision\/provider\/pulumi-resource-cutterhost has the line ends of Windows/);
    expect(() => checkCheckout("/home/a:b")).toThrow(/^the checkout's path "\/home\/a:b" has a colon/);
  });

  test("is told how long each step took, in words", () => {
    expect([elapsed(0, 340), elapsed(0, 12_400), elapsed(0, 59_700), elapsed(0, 362_000)]).toEqual([
      "0.3 s",
      "12 s",
      "1 min 0 s",
      "6 min 2 s",
    ]);
  });
});
