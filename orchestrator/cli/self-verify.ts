// cutter self-verify: the release's files against its manifest, and who may reach what.
import { buildCommand } from "@stricli/core";
import { CutterError } from "../core/errors.ts";
import { hostLayout } from "../core/host/layout.ts";
import { manifestName } from "../core/host/release-manifest.ts";
import type { Files } from "../ports/files.ts";
import type { CutterContext, InstalledRelease } from "./context.ts";
import { commonFlags, print, type CommonFlags } from "./flags.ts";

export const selfVerifyCommand = buildCommand<CommonFlags, [], CutterContext>({
  docs: { brief: "Compare the release's files with its manifest; show who may reach what" },
  parameters: { flags: commonFlags },
  func: async function (this: CutterContext, flags) {
    const { services } = this;
    const release = await services.readRelease();
    if (release.manifest === null) throw new CutterError("RELEASE_UNKNOWN", { root: release.root });
    const differences = await findDifferences(services.files, release);
    const reach = await readReach(services.files);
    const value = {
      schema: "cutter.self-verify/1",
      version: release.version,
      release_sha256: release.sha256,
      files: release.manifest.files.length,
      differences,
      reach,
    };
    const text = [
      ...differences.map((found) => `[ERR] ${found.path}: ${found.problem}`),
      ...reach.map((place) => `[INFO] ${place.path} ${place.kind} mode=${place.mode ?? "none"} uid=${place.uid ?? "none"}`),
      ...(differences.length === 0
        ? [
            `[OK] release ${release.version} ${release.sha256 ?? ""}: ${String(release.manifest.files.length)} files are as the ` +
              "manifest says, no other file",
          ]
        : []),
    ];
    print(this, flags, value, text);
    const [first] = differences;
    if (first !== undefined)
      throw new CutterError("RELEASE_DAMAGED", { differences: differences.length, first: first.path, problem: first.problem });
  },
});

interface Difference {
  readonly path: string;
  readonly problem: string;
}

async function findDifferences(files: Files, release: InstalledRelease): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  const listed = release.manifest?.files ?? [];
  for (const expected of listed) {
    const path = `${release.root}/${expected.path}`;
    const facts = await files.facts(path);
    const mode = facts === null ? "" : facts.mode.toString(8).padStart(4, "0");
    if (facts === null) differences.push({ path: expected.path, problem: "missing" });
    else if (facts.kind !== "file") differences.push({ path: expected.path, problem: `is a ${facts.kind}` });
    else if (facts.size !== expected.size || (await files.sha256(path)) !== expected.sha256)
      differences.push({ path: expected.path, problem: "other content" });
    else if (mode !== expected.mode) differences.push({ path: expected.path, problem: `mode ${mode}, not ${expected.mode}` });
  }
  const known = new Set([manifestName, ...listed.map((file) => file.path)]);
  for (const path of await listFiles(files, release.root, ""))
    if (!known.has(path)) differences.push({ path, problem: "not in the manifest" });
  return differences;
}

async function listFiles(files: Files, root: string, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of (await files.list(`${root}/${folder}`)) ?? []) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if ((await files.facts(`${root}/${path}`))?.kind === "folder") found.push(...(await listFiles(files, root, path)));
    else found.push(path);
  }
  return found;
}

interface Reach {
  readonly path: string;
  readonly kind: string;
  readonly mode: string | null;
  readonly uid: number | null;
}

/** The places whose mode decides who may do what. What this user may not even look at says so. */
async function readReach(files: Files): Promise<readonly Reach[]> {
  const { config, keys, requests, execution, runs, locks, ledger, armed, live, credentials, dumpSocket, dockerEnv, productionEnv } =
    hostLayout;
  const reach: Reach[] = [];
  for (const path of [
    config,
    keys,
    requests,
    execution,
    runs,
    locks,
    ledger,
    armed,
    live,
    credentials,
    dumpSocket,
    dockerEnv,
    productionEnv,
    "/var/run/docker.sock",
  ]) {
    const facts = await files.facts(path).catch(() => "closed" as const);
    if (facts === "closed") reach.push({ path, kind: "closed to this user", mode: null, uid: null });
    else
      reach.push({
        path,
        kind: facts?.kind ?? "absent",
        mode: facts === null ? null : facts.mode.toString(8).padStart(4, "0"),
        uid: facts?.uid ?? null,
      });
  }
  return reach;
}
