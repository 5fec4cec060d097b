// What this process is part of: its release, its host, its unit.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { CutterError } from "../../core/errors.ts";
import { machineIdFile, toHostIdentity } from "../../core/host/identity.ts";
import { manifestName, releaseManifestSchema, type ReleaseManifest } from "../../core/host/release-manifest.ts";
import { toErrorCode } from "../node-files/node-files.ts";

export interface ReleaseFacts {
  readonly root: string;
  readonly version: string;
  readonly sha256: string | null; // of manifest.json; null in a source tree
  readonly manifest: ReleaseManifest | null;
}

/** `moduleFolder` is the folder of the running program: bin/ in a release, orchestrator/ in a source tree. @throws RELEASE_DAMAGED */
export async function readRelease(moduleFolder: string): Promise<ReleaseFacts> {
  const root = join(moduleFolder, "..");
  if (basename(moduleFolder) !== "bin") return { root, version: await readSourceVersion(root), sha256: null, manifest: null };
  try {
    const bytes = await readFile(join(root, manifestName));
    const manifest = releaseManifestSchema.parse(JSON.parse(bytes.toString("utf8")));
    return { root, version: manifest.version, sha256: sha256Hex(bytes), manifest };
  } catch (cause) {
    throw new CutterError(
      "RELEASE_DAMAGED",
      { file: join(root, manifestName), problem: toErrorCode(cause) === "ENOENT" ? "absent" : "not a manifest" },
      { cause },
    );
  }
}

async function readSourceVersion(root: string): Promise<string> {
  const description: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const version = typeof description === "object" && description !== null && "version" in description ? description.version : "";
  return `${String(version)}-source`;
}

/** Null where there is no machine id. */
export async function readHostIdentity(): Promise<string | null> {
  return toHostIdentity(await readFile(machineIdFile, "utf8").catch(() => ""));
}

/** True only in <unit>@<run_id>.service: its marker, systemd's invocation id and the control group all say so. */
export async function isInUnit(
  unit: "cutter-run" | "cutter-revert",
  runId: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  if (environment["CUTTER_UNIT"] !== `${unit}@${runId}` || environment["INVOCATION_ID"] === undefined) return false;
  const groups = await readFile("/proc/self/cgroup", "utf8").catch(() => "");
  return groups.split("\n").some((line) => toUnitName(line.split("/").at(-1) ?? "") === `${unit}@${runId}.service`);
}

/** systemd writes a character it escapes in a unit's name as \xNN; run ids need only `-` undone. */
function toUnitName(group: string): string {
  return group.replaceAll("\\x2d", "-");
}
