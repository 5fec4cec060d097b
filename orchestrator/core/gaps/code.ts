// GAP-1 and GAP-2: is the code on the host, whole, and is there a way by which it got there and is started?
import { isPresent, checkContent, toOwnershipClaims, type GapEvidence } from "./evidence.ts";
import type { HostFacts, ReleaseFileFact } from "../host/facts.ts";
import { hostLayout } from "../host/layout.ts";
import { manifestName, releaseManifestSchema, toReleaseName, type ReleaseManifest } from "../host/release-manifest.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

/** The current release is exactly its manifest: every file, its sha256, size and mode, and no other file. */
export function evaluateGap1(facts: HostFacts): readonly GapEvidence[] {
  const older = ["/opt/incomex/dot/iu-cutter", "/opt/incomex/dot/iu-cutter-v0.6"].filter((path) => isPresent(facts.paths.get(path)));
  const olderLeftAlone = older.map((path) => ({ ok: true, text: `${path} is there, an older cutter, and is left alone` }));
  const { current } = facts;
  if (current === null) return [{ ok: false, text: `${hostLayout.current} leads to no release` }, ...olderLeftAlone];
  const manifest = releaseManifestSchema.safeParse(tryParseJson(current.manifest));
  if (!manifest.success) return [{ ok: false, text: `${current.name} has no manifest.json that can be read` }, ...olderLeftAlone];
  const expectedName = toReleaseName(manifest.data.version, current.manifestSha256);
  const name: GapEvidence =
    current.name === expectedName
      ? { ok: true, text: `${hostLayout.current} leads to ${current.name}, manifest sha256 ${current.manifestSha256}` }
      : { ok: false, text: `${current.name} holds the manifest of ${expectedName}` };
  const differences = toDifferences(manifest.data, current.files);
  const files: readonly GapEvidence[] =
    differences.length === 0
      ? [
          {
            ok: true,
            text:
              `all ${manifest.data.files.length} files of the release have the sha256, size and mode of its manifest, and there is ` +
              "no other file",
          },
        ]
      : differences.slice(0, shownDifferencesMax).map((text) => ({ ok: false, text: `release file ${text}` }));
  return [name, ...files, ...olderLeftAlone];
}

/** pulumi up's own traces: the release is claimed, the command leads to it, and the units that start it are as written and listening. */
export function evaluateGap2(facts: HostFacts): readonly GapEvidence[] {
  const claimed = [...toOwnershipClaims(facts.claims).keys()];
  const release = claimed.find(
    (path) => path.startsWith(`${hostLayout.releases}/`) || path === hostLayout.current || path === hostLayout.releases,
  );
  const command = facts.paths.get(hostLayout.command);
  const leads = command?.kind === "link" && command.digest.startsWith(`${hostLayout.current}/`);
  const sockets = [...facts.units].map(([name, { enabled, active }]): GapEvidence => ({
    ok: enabled === "enabled" && active === "active",
    text: `${name} is ${enabled === "" ? "unknown" : enabled} and ${active}`,
  }));
  return [
    {
      ok: release !== undefined,
      text:
        release === undefined
          ? "no release is in the kit's ownership manifest"
          : `the release is in the kit's ownership manifest (${release})`,
    },
    {
      ok: leads,
      text: leads ? `${hostLayout.command} leads to ${command.digest}` : `${hostLayout.command} does not lead to the current release`,
    },
    ...unitFiles.map((path) => checkContent(facts, path)),
    ...sockets,
  ];
}

/** Every file that provision/units renders; a test compares the two lists. */
const unitFiles = [
  ...[
    "cutter-run@.service",
    "cutter-prepare@.service",
    "cutter-dump.socket",
    "cutter-dump@.service",
    "cutter-kb.socket",
    "cutter-kb.service",
    "cutter-prepare-revert@.service",
    "cutter-revert@.service",
  ].map((name) => `${hostLayout.units}/${name}`),
  "/etc/tmpfiles.d/cutter.conf",
];

const shownDifferencesMax = 10;

function toDifferences(manifest: ReleaseManifest, found: readonly ReleaseFileFact[]): readonly string[] {
  const byPath = new Map(found.map((file) => [file.path, file]));
  const listed = manifest.files.flatMap((wanted) => {
    const file = byPath.get(wanted.path);
    if (file === undefined) return [`${wanted.path} is missing`];
    if (file.sha256 !== wanted.sha256) return [`${wanted.path} was changed: sha256 ${file.sha256}, should be ${wanted.sha256}`];
    if (file.mode !== wanted.mode.replace(/^0/, "")) return [`${wanted.path} has mode ${file.mode}, should be ${wanted.mode}`];
    return file.owner === "root" ? [] : [`${wanted.path} belongs to ${file.owner}, should be root's`];
  });
  const known = new Set([...manifest.files.map(({ path }) => path), manifestName]);
  return [...listed, ...found.filter(({ path }) => !known.has(path)).map(({ path }) => `${path} is in no manifest`)];
}
