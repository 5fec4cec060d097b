// What an audit looks at: the files of a run, from its folder or from a bundle, and the list that says which they are.
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { checksumListName, listRunFiles } from "./checksum-list.ts";
import { revertFolderName } from "../core/revert/files.ts";
import type { Files } from "../ports/files.ts";
import { fromTar, isBundleName, toTar } from "./tar.ts";

export const bundleName = "audit-bundle.tar";
/** The encrypted backup stays on the host: a bundle names its digest only. */
const backupSuffix = ".gpg";

export interface RunBundle {
  readonly origin: "bundle" | "folder";
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly digestsOnly: ReadonlyMap<string, string>; // sha256 of files that are not read: the backup
}

export interface ChecksumEntry {
  readonly name: string;
  readonly sha256: string;
}

/**
 * The bundle of a run, with a list of its own inside. Made again from an unchanged folder it has the same bytes. A file whose name no run
 * leaves is not taken along: the folder's own audit tells of it.
 */
export async function toBundle(files: Files, folder: string): Promise<Buffer> {
  const { files: content } = await readFolder(files, folder);
  const members = new Map([...content].filter(([name]) => !isRecord(name) && isBundleName(name)));
  return toTar(new Map([...members, [checksumListName, Buffer.from(toChecksumList(members))]]));
}

/** The run's own, or its revert's: a bundle holds no bundle, and has a list of its own. */
function isRecord(name: string): boolean {
  const own = name.startsWith(revertFolderName) ? name.slice(revertFolderName.length) : name;
  return own === bundleName || own === checksumListName;
}

/** @throws AUDIT_BUNDLE_INVALID */
export function readBundle(tar: Uint8Array): RunBundle {
  return { origin: "bundle", files: fromTar(tar), digestsOnly: new Map() };
}

/** All files below a run's folder, those of its revert too. */
export async function readFolder(files: Files, folder: string): Promise<RunBundle> {
  const content = new Map<string, Uint8Array>();
  const digestsOnly = new Map<string, string>();
  const ofRevert = [...(await listRunFiles(files, `${folder}/${revertFolderName}`.replace(/\/$/, ""))), checksumListName];
  const names = [...(await listRunFiles(files, folder)), checksumListName, ...ofRevert.map((name) => `${revertFolderName}${name}`)];
  for (const name of names) {
    if (name.endsWith(backupSuffix)) {
      const sha256 = await files.sha256(`${folder}/${name}`);
      if (sha256 !== null) digestsOnly.set(name, sha256);
      continue;
    }
    const bytes = await files.read(`${folder}/${name}`);
    if (bytes !== null) content.set(name, bytes);
  }
  return { origin: "folder", files: content, digestsOnly };
}

function toChecksumList(members: ReadonlyMap<string, Uint8Array>): string {
  const lines = [...members.keys()].toSorted().map((name) => `${sha256Hex(members.get(name) ?? new Uint8Array())}  ${name}`);
  return `${lines.join("\n")}\n`;
}

/** What a list of digests says, as `sha256sum -c` would read it. @throws AUDIT_EVIDENCE_DIFFERS naming the line */
export function readChecksumList(bytes: Uint8Array): readonly ChecksumEntry[] {
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  if (lines.pop() !== "")
    throw new CutterError("AUDIT_EVIDENCE_DIFFERS", { reason: "list_invalid", file: checksumListName, problem: "it breaks off" });
  const found = lines.map((line, index) => {
    const [, escaped, sha256, name] = /^(\\?)([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    if (sha256 === undefined || name === undefined)
      throw new CutterError("AUDIT_EVIDENCE_DIFFERS", {
        reason: "list_invalid",
        file: checksumListName,
        line: index + 1,
        problem: "no digest and name",
      });
    return {
      sha256,
      name:
        escaped === ""
          ? name
          : name.replaceAll(/\\([\\nr])/g, (_, letter: string) => (letter === "n" ? "\n" : letter === "r" ? "\r" : "\\")),
    };
  });
  if (new Set(found.map(({ name }) => name)).size !== found.length)
    throw new CutterError("AUDIT_EVIDENCE_DIFFERS", { reason: "list_invalid", file: checksumListName, problem: "a name stands twice" });
  return found;
}
