// A release on the host: uploaded once, verified file by file against its manifest, switched to, proven healthy or gone back on. Drift in
// any file is seen.
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { toManifestDifferences, type FoundFile } from "../../../deploy/manifest-diff.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { hostLayout } from "../../../orchestrator/core/host/layout.ts";
import { findCheckout } from "../../checkout.ts";
import type { RemoteHost } from "../../host/connection.ts";
import { resourceArgs } from "../../resource-args.ts";
import { defineKind, type WriteContext } from "../kind/define.ts";
import { confirmed, switchAndConfirm, reportRevertedRelease, toConfirmationState } from "./support/release-switch.ts";

const schema = resourceArgs.Release.extend({
  current: z.string().default(""), // the release that /opt/cutter/current leads to; wanted: this one
  damage: z.array(z.string()).readonly().default([]), // differences from the manifest; wanted: none
  standing: z.string().default(""), // whether it was confirmed healthy, or gone back on, as release-switch.sh recorded it
});

type ReleaseInputs = z.infer<typeof schema>;

const uploadTimeoutMs = 600_000;

export const releaseKind = defineKind({
  type: "Release",
  schema,
  complete: (inputs) => ({ ...inputs, current: inputs.name, damage: [], standing: confirmed }),
  claimOf: ({ name }) => `${hostLayout.releases}/${name}`,
  removes: hostLayout.releases,
  foreignCode: "FOREIGN_FILE",
  read: async (host, inputs) => {
    const folder = await readFolder(host, `${hostLayout.releases}/${inputs.name}`);
    if (folder === null) return { state: "absent" };
    if ("inTheWay" in folder) return { state: "obstructed", by: folder.inTheWay };
    return {
      state: "present",
      inputs: {
        ...inputs,
        current: folder.current,
        damage: toManifestDifferences(folder.manifest, inputs.sha256, folder.files),
        standing: toConfirmationState(folder.records, inputs.name),
      },
    };
  },
  write: async (context, inputs) => {
    await reportRevertedRelease(context);
    const folder = await readFolder(context.host, `${hostLayout.releases}/${inputs.name}`);
    const whole = folder !== null && "files" in folder && toManifestDifferences(folder.manifest, inputs.sha256, folder.files).length === 0;
    if (!whole) await upload(context, inputs);
    await switchAndConfirm(context, inputs.name);
  },
  remove: () => ({
    script: `for link in "$1/current" "$1/last-good"; do [ ! -L "$link" ] || rm -f -- "$link"; done; rm -rf -- "$1/release-state"
find "$1/releases" -mindepth 1 -maxdepth 1 -type d -regextype posix-extended -regex '.*/(\\.(incoming|damaged)-)?[0-9]+\\.[0-9]+\\.[0-9]+-[0-9a-f]{12}' -exec rm -rf -- {} +`,
    args: [hostLayout.code],
  }),
});

/** Where a build leaves what is uploaded. */
export function toReleaseArchive(name: string): string {
  return join(findCheckout(), ".build/releases", `${name}.tar.gz`);
}

/** Into a folder beside, verified there, then renamed; a damaged one in its place is moved aside first and removed after. */
async function upload({ host, runJob }: WriteContext, inputs: ReleaseInputs): Promise<void> {
  const archive = toReleaseArchive(inputs.name);
  if (!existsSync(archive)) throw new CutterError("RELEASE_MISSING", { host: host.address.name, release: inputs.name, archive });
  const incoming = `${hostLayout.releases}/.incoming-${inputs.name}`;
  await runJob({
    // A disk that fills up in the middle gets its room back.
    script: `trap 'rm -rf -- "$1"' EXIT
rm -rf -- "$1"; mkdir -m 0755 -- "$1"; umask 022; tar -xz --no-same-owner -C "$1"; chown -R root:root "$1"; find "$1" -type d -exec chmod 0755 {} +; sync -f -- "$1"
trap - EXIT`,
    args: [incoming],
    stdin: createReadStream(archive),
    timeoutMs: uploadTimeoutMs,
  });
  const folder = await readFolder(host, incoming);
  const damage =
    folder === null
      ? ["missing"]
      : "inTheWay" in folder
        ? [folder.inTheWay]
        : toManifestDifferences(folder.manifest, inputs.sha256, folder.files);
  if (damage.length > 0) {
    await runJob({ script: 'rm -rf -- "$1"', args: [incoming] });
    throw new CutterError("RELEASE_REFUSED", { host: host.address.name, release: inputs.name, damage: damage.slice(0, 10) });
  }
  await runJob({
    script: `final=$2/$3; aside=$2/.damaged-$3
rm -rf -- "$aside"; [ ! -e "$final" ] || mv -T -- "$final" "$aside"
mv -T -- "$1" "$final"; sync -- "$2"; rm -rf -- "$aside"`,
    args: [incoming, hostLayout.releases, inputs.name],
  });
}

interface ReleaseFolder {
  readonly current: string;
  readonly records: readonly string[]; // of release-switch.sh
  readonly manifest: Buffer;
  readonly files: readonly FoundFile[];
}

/**
 * Digests every file on the host: some 130 MB, under a second. null: there is no such folder. `inTheWay`: what stands in the place of the
 * link to the current release.
 */
async function readFolder(host: RemoteHost, path: string): Promise<ReleaseFolder | { readonly inTheWay: string } | null> {
  const outcome = await host.run(readScript, [path, hostLayout.current, hostLayout.releaseSwitch], { timeoutMs: 120_000 });
  if (outcome.code === 4) return null;
  if (outcome.code === 6) return { inTheWay: `a ${outcome.stdout.trim()} at ${hostLayout.current}` };
  if (outcome.code !== 0)
    throw new CutterError(outcome.code === null ? "HOST_OUTCOME_UNKNOWN" : "HOST_COMMAND_FAILED", {
      host: host.address.name,
      reading: path,
      stderr: outcome.stderr.slice(0, 300),
    });
  const [currentTarget = "", ...lines] = outcome.stdout.split("\n");
  const recordsEnd = lines.indexOf("");
  const [manifest = "", ...rest] = lines.slice(recordsEnd + 1);
  const files = rest.filter((line) => line !== "").map(toFoundFile);
  const current = currentTarget.startsWith("releases/") ? currentTarget.slice("releases/".length) : currentTarget;
  return { current, records: lines.slice(0, recordsEnd), manifest: Buffer.from(manifest, "base64"), files };
}

/** Line: digest or -, find's letter, mode, owner, size, path. */
function toFoundFile(line: string): FoundFile {
  const [sha256 = "", kind = "", mode = "", owner = "", size = "", ...path] = line.split(" ");
  return { sha256, kind, mode: mode.padStart(4, "0"), owner, size: Number(size), path: path.join(" ") };
}

const readScript = `[ -L "$2" ] || [ ! -e "$2" ] || { stat -c %F -- "$2"; exit 6; }
[ -d "$1" ] && [ ! -L "$1" ] || exit 4
readlink -- "$2" || echo
if [ -f "$3" ]; then sh "$3" standing; fi; echo
cd -- "$1" || exit 5
if [ -f manifest.json ]; then head -c 1000000 manifest.json | base64 -w0; fi; echo
find . -printf '%y %m %u:%g %s %P\\n' | while IFS= read -r line; do
  path=\${line#* * * * }
  case $line in "f "*) digest=$(sha256sum <"$path" | cut -c1-64);; *) digest=-;; esac
  printf '%s %s\\n' "$digest" "$line"
done`;
