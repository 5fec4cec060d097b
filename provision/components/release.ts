// The release on a host: uploaded once, verified there, switched to and confirmed; what goes back otherwise; and the command that runs the
// current one.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { manifestName } from "../../orchestrator/core/host/release-manifest.ts";
import { toChildOptions, type HostTarget } from "./target.ts";
import { findCheckout } from "../checkout.ts";
import { declareFile, declareLink, declareRelease, declareUnit } from "./declare.ts";
import { releaseGuardName, releaseGuardText } from "../units/release-guard.ts";
import { buildRelease } from "../../deploy/build.ts";

/** Which release a stack wants. `sha256` is the manifest's, or its first 12 digits when the release exists on the host only. */
export interface WantedRelease {
  readonly name: string;
  readonly sha256: string;
}

/** The pinned release, or the one this checkout builds to. Building an unchanged checkout again takes about a second. */
export async function chooseRelease(pinned: string): Promise<WantedRelease> {
  if (pinned === "") {
    const { name, sha256 } = await buildRelease();
    return { name, sha256 };
  }
  const manifest = join(findCheckout(), ".build/releases", pinned, manifestName);
  const prefix = pinned.slice(-12);
  const sha256 = existsSync(manifest) ? sha256Hex(readFileSync(manifest)) : prefix;
  return { name: pinned, sha256: sha256.startsWith(prefix) ? sha256 : prefix };
}

export class Release extends ComponentResource {
  constructor(target: HostTarget, release: WantedRelease, options: ComponentResourceOptions = {}) {
    super("cutter-kit:host:Release", target.nameOf("release"), {}, options);
    // First what goes back, then what may have to be gone back on.
    const switchPath = hostLayout.releaseSwitch;
    const content = readFileSync(join(findCheckout(), "deploy/release-switch.sh"), "utf8");
    const rootFile = { mode: "0644", owner: "root", group: "root" } as const;
    const script = declareFile(
      target.nameOf(switchPath),
      { ...target.base(switchPath), ...rootFile, path: switchPath, content },
      toChildOptions(this),
    );
    const guardPath = `${hostLayout.units}/${releaseGuardName}`;
    const guard = declareUnit(
      target.nameOf(guardPath),
      { ...target.base(guardPath), ...rootFile, path: guardPath, name: releaseGuardName, content: releaseGuardText(), activation: "boot" },
      toChildOptions(this, [script]),
    );
    const installed = declareRelease(
      target.nameOf(hostLayout.releases),
      { ...target.base(`${hostLayout.releases}/${release.name}`), name: release.name, sha256: release.sha256 },
      toChildOptions(this, [script, guard]),
    );
    const path = hostLayout.command;
    declareLink(
      target.nameOf(path),
      { ...target.base(path), path, target: `${hostLayout.current}/bin/cutter` },
      toChildOptions(this, [installed]),
    );
    this.registerOutputs({});
  }
}
