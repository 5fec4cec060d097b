// EVIDENCE.sha256: the digest of every file of a run's folder, as `sha256sum -c` reads it. Written after everything else, so it also speaks
// for the journal's end.
import { revertFolderName } from "../core/revert/files.ts";
import type { Files } from "../ports/files.ts";

export const checksumListName = "EVIDENCE.sha256";

/**
 * Digests the bytes of every file below `folder`, journal and outcome included, and lists them in byte order of their names. Call it once
 * nothing in the folder changes any more: `cd <folder> && sha256sum -c EVIDENCE.sha256` holds from then on. May be repeated. What is no
 * plain file (a link, a socket) is not followed and not listed.
 */
export async function writeChecksumList(files: Files, folder: string): Promise<void> {
  const lines: string[] = [];
  for (const name of await listRunFiles(files, folder)) {
    const sha256 = await files.sha256(`${folder}/${name}`);
    if (sha256 !== null) lines.push(toLine(sha256, name));
  }
  await files.writeAtomic(`${folder}/${checksumListName}`, `${lines.join("\n")}\n`, 0o600);
}

/** The files below a run's folder by their names, in byte order; a revert keeps a list of its own. */
export async function listRunFiles(files: Files, folder: string): Promise<readonly string[]> {
  return (await listFiles(files, folder, "")).filter((name) => name !== checksumListName && !name.startsWith(revertFolderName));
}

async function listFiles(files: Files, root: string, below: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const entry of (await files.list(`${root}/${below}`)) ?? []) {
    const name = `${below}${entry}`;
    const kind = (await files.facts(`${root}/${name}`))?.kind;
    if (kind === "folder") names.push(...(await listFiles(files, root, `${name}/`)));
    if (kind === "file") names.push(name);
  }
  return names.sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

/** A name with a backslash or a line break is escaped, and the line begins with a backslash: sha256sum's own rule. */
function toLine(sha256: string, name: string): string {
  const escaped = name.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `${escaped === name ? "" : "\\"}${sha256}  ${escaped}`;
}
