// A release's folder against its manifest: each difference is named.
import { expect, it } from "vitest";
import { toManifestDifferences, type FoundFile } from "../../deploy/manifest-diff.ts";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";

const manifest = Buffer.from(
  JSON.stringify({
    schema: "cutter.manifest/1",
    version: "0.6.0",
    node: "24.21.0",
    files: [{ path: "bin/cutter", sha256: "a".repeat(64), size: 3, mode: "0755" }],
  }),
);
const sha256 = sha256Hex(manifest);
const cutter: FoundFile = { path: "bin/cutter", kind: "f", mode: "0755", owner: "root:root", size: 3, sha256: "a".repeat(64) };
const itself: FoundFile = { path: "manifest.json", kind: "f", mode: "0644", owner: "root:root", size: manifest.length, sha256 };

it("finds nothing in a whole release, by the full digest or by the name's 12 digits", () => {
  expect(toManifestDifferences(manifest, sha256, [itself, cutter, { ...cutter, path: "bin", kind: "d" }])).toEqual([]);
  expect(toManifestDifferences(manifest, sha256.slice(0, 12), [itself, cutter])).toEqual([]);
});

it.each<[string, readonly FoundFile[]]>([
  ["bin/cutter: missing", [itself]],
  ["bin/cutter: content", [itself, { ...cutter, sha256: "b".repeat(64) }]],
  ["bin/cutter: mode 4755", [itself, { ...cutter, mode: "4755" }]],
  ["bin/cutter: owner cutter:cutter", [itself, { ...cutter, owner: "cutter:cutter" }]],
  ["bin/cutter: not a regular file", [itself, { ...cutter, kind: "l" }]],
  ["bin: directory 0777 root:root", [itself, cutter, { ...cutter, path: "bin", kind: "d", mode: "0777" }]],
  [".: directory 0755 cutter:cutter", [itself, cutter, { ...cutter, path: "", kind: "d", owner: "cutter:cutter" }]],
  ["bin/extra: not in the manifest", [itself, cutter, { ...cutter, path: "bin/extra" }]],
])("names %s", (damage, found) => {
  expect(toManifestDifferences(manifest, sha256, found)).toEqual([damage]);
});

it("trusts no file when the manifest itself is another one", () => {
  expect(toManifestDifferences(Buffer.concat([manifest, Buffer.from(" ")]), sha256, [itself, cutter])).toEqual(["manifest.json: content"]);
});
