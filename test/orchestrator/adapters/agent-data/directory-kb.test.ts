// What is the directory's own: hand-made files are documents, a crash loses no revision, and strange things are refused.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDirectoryKb } from "../../../support/worlds/directory-kb.ts";
import { nodeFiles } from "../../../../orchestrator/adapters/node-files/node-files.ts";
import type { Files } from "../../../../orchestrator/ports/files.ts";

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "cutter-directory-kb-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));
const open = (files: Files = nodeFiles) => openDirectoryKb({ root, files });
const write = (body: string, files?: Files) => open(files).write({ id: "knowledge/a.md", title: "A", body, tags: [] });
const file = () => join(root, "knowledge/a.md");
const note = () => join(root, "knowledge/.a.md.kb.json");

it("takes a file put there by hand as a document of revision 1, and writes the second", async () => {
  mkdirSync(join(root, "knowledge"));
  writeFileSync(file(), "by hand");
  expect(await open().read("knowledge/a.md")).toMatchObject({ revision: 1, body: "by hand", title: "a.md" });
  expect(await write("two")).toMatchObject({ revision: 2, status: "updated" });
});

it("counts an edit by hand as a revision of its own", async () => {
  await write("one");
  writeFileSync(file(), "edited");
  expect(await open().read("knowledge/a.md")).toMatchObject({ revision: 2, body: "edited" });
  expect(await write("three")).toMatchObject({ revision: 3 });
  expect(await open().read("knowledge/a.md")).toMatchObject({ revision: 3, body: "three" });
});

it("stores the plain body, closed to others, and leaves no temporary file", async () => {
  await write("one\r\n");
  expect(readFileSync(file(), "utf8")).toBe("one\r\n");
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(root, "knowledge")).sort()).toEqual([".a.md.kb.json", "a.md"]);
});

it("starts again at revision 1 when the file was removed", async () => {
  await write("one");
  await write("two");
  unlinkSync(file());
  expect(await open().read("knowledge/a.md")).toBeNull();
  expect(await open().list("")).toEqual({ documents: [], skipped: [] });
  expect(await write("three")).toMatchObject({ revision: 1, status: "created" });
});

it("has the new body at its new revision when it dies between body and note", async () => {
  await write("one");
  const dying: Files = {
    ...nodeFiles,
    writeAtomic: (path, content, mode) =>
      path === note() ? Promise.reject(new Error("died")) : nodeFiles.writeAtomic(path, content, mode),
  };
  await expect(write("two", dying)).rejects.toThrow("died");
  expect(await open().read("knowledge/a.md")).toMatchObject({ revision: 2, body: "two" });
});

it("does not give the revision of an edit by hand to another body, even when it dies between body and note", async () => {
  await write("one");
  writeFileSync(file(), "edited");
  const dying: Files = {
    ...nodeFiles,
    writeAtomic: (path, content, mode) =>
      String(content).includes('"revision": 3') ? Promise.reject(new Error("died")) : nodeFiles.writeAtomic(path, content, mode),
  };
  await expect(write("three", dying)).rejects.toThrow("died");
  expect(await open().read("knowledge/a.md")).toMatchObject({ revision: 3, body: "three" });
});

it.each([
  ["a link in place of the file", () => symlinkSync("/etc/hostname", file())],
  ["a folder in place of the file", () => mkdirSync(file())],
  ["a file that is not UTF-8", () => writeFileSync(file(), Buffer.from([0xff, 0xfe]))],
  ["a note that is none", () => (writeFileSync(file(), "x"), writeFileSync(note(), "{}"))],
])("refuses %s, for reading and for writing", async (_what, damage) => {
  mkdirSync(join(root, "knowledge"));
  damage();
  await expect(open().read("knowledge/a.md")).rejects.toMatchObject({ code: "KB_DIRECTORY_INVALID" });
  await expect(write("x")).rejects.toMatchObject({ code: "KB_DIRECTORY_INVALID" });
});

it("refuses a folder that is a link, so that nothing is written outside", async () => {
  const outside = mkdtempSync(join(tmpdir(), "cutter-outside-"));
  symlinkSync(outside, join(root, "knowledge"));
  await expect(write("x")).rejects.toMatchObject({ code: "KB_DIRECTORY_INVALID" });
  expect(existsSync(join(outside, "a.md"))).toBe(false);
  rmSync(outside, { recursive: true });
});

it("refuses a root that is not there", async () => {
  const gone = openDirectoryKb({ root: join(root, "gone"), files: nodeFiles });
  await expect(gone.read("a.md")).rejects.toMatchObject({ code: "KB_DIRECTORY_INVALID" });
  await expect(gone.list("")).rejects.toMatchObject({ code: "KB_DIRECTORY_INVALID" });
});

it("does not list hidden files, links and what is no id", async () => {
  await write("one");
  writeFileSync(join(root, "knowledge/Notes.txt"), "");
  symlinkSync(file(), join(root, "knowledge/link.md"));
  expect((await open().list("")).documents.map((item) => item.id)).toEqual(["knowledge/a.md"]);
});
