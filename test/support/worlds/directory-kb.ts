// The knowledge base as a folder of Markdown files, for work without a network: the same port, for one writer at a time.
import { join } from "node:path";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { assertStorable, type NewKbDocument } from "../../../orchestrator/core/knowledge-base/document.ts";
import { assertKbId, assertKbPrefix, isKbId } from "../../../orchestrator/core/knowledge-base/id.ts";
import type { Files } from "../../../orchestrator/ports/files.ts";
import type { KbDocument, KbListing, KbWritten, KnowledgeBase } from "../../../orchestrator/ports/knowledge-base.ts";
import { DirectoryInvalid, parseNote, toNotePath, toNoteText, type Note } from "./directory-kb-note.ts";

export interface DirectoryKbOptions {
  readonly root: string; // absolute; must exist
  readonly files: Files;
}

/**
 * A document is the file `<root>/<id>` and a hidden note beside it with revision, title and digest. A file put or edited there by hand is a
 * document too: without a note it has revision 1, with a note of another digest it is one revision further.
 * @throws by its calls: DirectoryInvalid, KB_ID_INVALID, KB_DOCUMENT_INVALID
 */
export function openDirectoryKb(options: DirectoryKbOptions): KnowledgeBase {
  return {
    kind: "directory",
    read: async (id) => (await readStoredNote(options, id))?.document ?? null,
    write: (document) => write(options, document),
    writeAt: async (document, revision) => {
      assertStorable(document);
      const stored = await readStoredNote(options, document.id);
      return (stored?.document.revision ?? 0) === revision ? await write(options, document) : null;
    },
    list: (prefix) => list(options, prefix),
    close: async () => undefined,
  };
}

interface StoredNote {
  readonly document: KbDocument;
  readonly note: Note | null;
}

async function readStoredNote({ root, files }: DirectoryKbOptions, id: string): Promise<StoredNote | null> {
  assertKbId(id);
  if (!(await isPlainPath(files, root, id))) return null;
  const path = join(root, id);
  const bytes = await files.read(path);
  if (bytes === null) return null;
  const body = decode(bytes, path);
  const sha256 = sha256Hex(bytes);
  const notePath = toNotePath(root, id);
  const noteBytes = await files.read(notePath);
  const note = noteBytes === null ? null : parseNote(decode(noteBytes, notePath), notePath);
  const revision = note === null ? 1 : note.revision + (note.sha256 === sha256 ? 0 : 1);
  return { document: { id, revision, body, sha256, title: note?.title ?? id.slice(id.lastIndexOf("/") + 1) }, note };
}

/** Body first, note second: a crash between them leaves the new body at its new revision. */
async function write(options: DirectoryKbOptions, document: NewKbDocument): Promise<KbWritten> {
  const { root, files } = options;
  assertStorable(document);
  const stored = await readStoredNote(options, document.id);
  await makeFolders(files, root, document.id);
  const writeNote = (note: Note) => files.writeAtomic(toNotePath(root, document.id), toNoteText(note), 0o600);
  if (stored?.note && stored.note.sha256 !== stored.document.sha256) {
    await writeNote({ ...stored.note, revision: stored.document.revision, sha256: stored.document.sha256 });
  }
  const revision = (stored?.document.revision ?? 0) + 1;
  await files.writeAtomic(join(root, document.id), document.body, 0o600);
  await writeNote({
    schema: "cutter.kb-note/1",
    revision,
    title: document.title,
    tags: [...document.tags],
    sha256: sha256Hex(document.body),
  });
  return { id: document.id, revision, status: revision === 1 ? "created" : "updated" };
}

async function list(options: DirectoryKbOptions, prefix: string): Promise<KbListing> {
  assertKbPrefix(prefix);
  await requireRoot(options.files, options.root);
  const items: { readonly id: string; readonly revision: number; readonly title: string }[] = [];
  for (const id of await listIds(options.files, options.root, "")) {
    const stored = id.startsWith(prefix) ? await readStoredNote(options, id) : null;
    if (stored !== null) items.push({ id, revision: stored.document.revision, title: stored.document.title });
  }
  return { documents: items, skipped: [] };
}

/** Ids below a folder, in byte order; hidden files, links and what is no id are not of the knowledge base. */
async function listIds(files: Files, root: string, folder: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const name of (await files.list(join(root, folder))) ?? []) {
    const id = `${folder}${name}`;
    const kind = name.startsWith(".") ? undefined : (await files.facts(join(root, id)))?.kind;
    if (kind === "folder") ids.push(...(await listIds(files, root, `${id}/`)));
    if (kind === "file" && isKbId(id)) ids.push(id);
  }
  return ids.sort();
}

/** True when every folder of the id is one and its file is one; false when something is absent. Links and other things are refused. */
async function isPlainPath(files: Files, root: string, id: string): Promise<boolean> {
  await requireRoot(files, root);
  const segments = id.split("/");
  for (let count = 1; count <= segments.length; count += 1) {
    const path = join(root, ...segments.slice(0, count));
    const kind = (await files.facts(path))?.kind;
    if (kind === undefined) return false;
    const expected = count === segments.length ? "file" : "folder";
    if (kind !== expected) throw new DirectoryInvalid({ path, expected, found: kind });
  }
  return true;
}

async function makeFolders(files: Files, root: string, id: string): Promise<void> {
  const folders = id.split("/").slice(0, -1);
  for (let count = 1; count <= folders.length; count += 1) await files.makeFolder(join(root, ...folders.slice(0, count)), 0o700);
}

async function requireRoot(files: Files, root: string): Promise<void> {
  const kind = (await files.facts(root))?.kind;
  if (kind !== "folder") throw new DirectoryInvalid({ path: root, expected: "folder", found: kind ?? "nothing" });
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new DirectoryInvalid({ path, expected: "UTF-8", found: "other bytes" }, { cause: error });
  }
}
