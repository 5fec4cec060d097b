// Releases that are tried on the ready host: altered ones beside the one it is on, pinned in the stack file as a person would; in the end
// all of it is taken back.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { alterRelease, dropAlteredRelease } from "./altered-release.ts";
import { checkout, onHost, type Ended } from "./e2e.ts";
import { up } from "./stack.ts";

export interface ReleaseTrial {
  /** The release the host is on, and links, records and folders as `readReleases` gives them, before anything is tried. */
  readonly good: string;
  readonly before: string;
  /** Another release, whose launcher runs `lines` first. @returns its name */
  alter(launcher: "cutter" | "cutter-root", lines: string): Promise<string>;
  /** up with the release pinned; empty: the one built here. */
  upWith(release: string): Promise<Ended>;
  close(): Promise<void>;
}

const stackFile = join(checkout, "Pulumi.sandbox.yaml");

export const onTrialHost = async (commandLine: string): Promise<string> => (await onHost(commandLine)).stdout.trim();
export const readCurrent = (): Promise<string> => onTrialHost("basename $(readlink /opt/cutter/current)");

/** Links, records and folders: what a release that failed must leave as it was, but for its own folder. */
const readReleases = (): Promise<string> =>
  onTrialHost(
    "readlink /opt/cutter/current /opt/cutter/last-good; cat /opt/cutter/release-state/good; systemctl is-active " +
      "cutter-release-guard.service; ls /opt/cutter/release-state",
  );

/** The host is ready. */
export async function openReleaseTrial(): Promise<ReleaseTrial> {
  const stackText = readFileSync(stackFile, "utf8");
  const [good, before] = [await readCurrent(), await readReleases()];
  const altered: string[] = [];
  const alter: ReleaseTrial["alter"] = async (launcher, lines) => {
    const name = await alterRelease(launcher, lines);
    altered.push(name);
    return name;
  };
  const upWith: ReleaseTrial["upWith"] = (release) => {
    writeFileSync(stackFile, stackText.replace(/^( *cutter-kit:release:).*$/m, `$1 "${release}"`));
    return up();
  };
  return {
    good,
    before,
    alter,
    upWith,
    close: async () => {
      writeFileSync(stackFile, stackText);
      for (const name of altered) await dropAlteredRelease(name);
    },
  };
}

/** Releases that do not work, one after the other, as tests; and the up after them. */
export function testUnhealthyReleases(
  trial: () => ReleaseTrial,
  releases: readonly (readonly [what: string, launcher: "cutter" | "cutter-root", lines: string])[],
): void {
  const failed: string[] = [];

  it.each(releases)("an up with a release that %s fails by name and leaves the host on the good one", async (_what, launcher, lines) => {
    const { alter, upWith, before, good } = trial();
    const bad = await alter(launcher, lines);
    failed.push(bad);
    const { code, output } = await upWith(bad);
    expect(code).not.toBe(0);
    expect(output).toContain("RELEASE_UNHEALTHY");
    expect(output).toContain(`release=${bad}`);
    expect(output).toContain(`now_on=${good}`);
    expect(await readReleases()).toBe(`${before}\nreverted`);
  });

  it("the up after it says what happened, and the host is as if the releases that failed had never been there", async () => {
    const { upWith, before, good } = trial();
    const next = await upWith("");
    expect(next.output).toMatch(new RegExp(`RELEASE_REVERTED.*release=${failed.at(-1)} now_on=${good} why=unhealthy`));
    expect(next.code).toBe(0);
    expect(await readReleases()).toBe(before);
    expect((await onTrialHost("ls /opt/cutter/releases")).split("\n").filter((name) => failed.includes(name))).toEqual([]);
  });
}
