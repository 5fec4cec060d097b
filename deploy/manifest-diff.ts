// What differs between a release's folder on a host and its manifest. Pure.
import { sha256Hex } from "../orchestrator/core/encoding/digest.ts";
import { manifestName, releaseManifestSchema } from "../orchestrator/core/host/release-manifest.ts";

/**
 * One entry as it was found. `kind` is find's letter: f, d, l, p, …; `path` is empty for the release's own folder; `mode` has four octal
 * digits.
 */
export interface FoundFile {
  readonly path: string;
  readonly kind: string;
  readonly mode: string;
  readonly owner: string; // user:group
  readonly size: number;
  readonly sha256: string;
}

/**
 * Every difference, sorted; empty is the only good answer. The manifest is judged first: it is trusted by its digest alone.
 * `expectedSha256` may be the 12 digits of the release's name.
 */
export function toManifestDifferences(manifestBytes: Uint8Array, expectedSha256: string, found: readonly FoundFile[]): readonly string[] {
  const manifestSha256 = sha256Hex(manifestBytes);
  if (!manifestSha256.startsWith(expectedSha256)) return [`${manifestName}: content`];
  const manifest = releaseManifestSchema.parse(JSON.parse(Buffer.from(manifestBytes).toString("utf8")));
  const listed = new Map<string, { readonly sha256: string; readonly mode: string }>(manifest.files.map((file) => [file.path, file]));
  listed.set(manifestName, { sha256: manifestSha256, mode: "0644" });
  const seen = new Set(found.map(({ path }) => path));
  const missing = [...listed.keys()].filter((path) => !seen.has(path)).map((path) => `${path}: missing`);
  const wrong = found.flatMap((file) => {
    if (file.kind === "d")
      return file.mode === "0755" && file.owner === "root:root"
        ? []
        : [`${file.path === "" ? "." : file.path}: directory ${file.mode} ${file.owner}`];
    const wanted = listed.get(file.path);
    if (wanted === undefined) return [`${file.path}: not in the manifest`];
    if (file.kind !== "f") return [`${file.path}: not a regular file`];
    return [
      ...(file.sha256 === wanted.sha256 ? [] : [`${file.path}: content`]),
      ...(file.mode === wanted.mode ? [] : [`${file.path}: mode ${file.mode}`]),
      ...(file.owner === "root:root" ? [] : [`${file.path}: owner ${file.owner}`]),
    ];
  });
  return [...missing, ...wrong].sort();
}
