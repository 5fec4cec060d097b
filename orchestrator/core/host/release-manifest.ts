// manifest.json of a release: every other file with its sha256, size and mode. The release's own sha is that of the manifest's bytes.
import { z } from "zod";

const releasePath = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/)
  .refine((path) => !path.split("/").includes(".."), "must not contain ..");

export const releaseManifestSchema = z.strictObject({
  schema: z.literal("cutter.manifest/1"),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  node: z.string(), // version of bin/node, e.g. "24.21.0"
  files: z
    .array(z.strictObject({ path: releasePath, sha256: z.string().regex(/^[0-9a-f]{64}$/), size: z.int(), mode: z.enum(["0755", "0644"]) }))
    .min(1),
});

export type ReleaseManifest = z.infer<typeof releaseManifestSchema>;

export const manifestName = "manifest.json";

/** `<version>-<sha12>`: the folder's name under /opt/cutter/releases. */
export function toReleaseName(version: string, manifestSha256: string): string {
  return `${version}-${manifestSha256.slice(0, 12)}`;
}
