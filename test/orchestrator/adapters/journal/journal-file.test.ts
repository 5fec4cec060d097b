// The journal's file: appended, never rewritten but for a cut-off tail, and refused through a link.
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { nodeFiles } from "../../../../orchestrator/adapters/node-files/node-files.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { openJournalFile } from "../../../../orchestrator/adapters/journal/journal-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cutter-journal-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("appends whole lines to a file of mode 0600 and reads them back", async () => {
  const path = join(folder, "journal.jsonl");
  const first = openJournalFile(path);
  expect(await first.read()).toHaveLength(0);
  await first.append("one");
  await first.close();
  const second = openJournalFile(path);
  await second.append("two");
  expect(Buffer.from(await second.read()).toString()).toBe("one\ntwo\n");
  await second.close();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it("refuses a line that is two, and a link in its place", async () => {
  const target = join(folder, "target");
  await writeFile(target, "");
  await symlink(target, join(folder, "linked"));
  const linked = openJournalFile(join(folder, "linked"));
  await expect(linked.append("one")).rejects.toMatchObject({ code: "JOURNAL_NOT_WRITTEN", exitCode: 30, facts: { reason: "ELOOP" } });
  await expect(linked.append("again")).rejects.toMatchObject({ code: "JOURNAL_NOT_WRITTEN", facts: { reason: "ELOOP" } });
  await expect(openJournalFile(join(folder, "j")).append("a\nb")).rejects.toThrow("one line");
  expect(await readFile(target, "utf8")).toBe("");
});

it("replaces a cut-off tail by a line at once, and appends behind it", async () => {
  const path = join(folder, "journal.jsonl");
  await writeFile(path, "one\ntw");
  const journal = openJournalFile(path);
  await journal.replaceTail(4, "two");
  await journal.append("three");
  await journal.close();
  expect(await readFile(path, "utf8")).toBe("one\ntwo\nthree\n");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it("keeps a cut-off tail where the line that tells of it cannot be written, and then writes no more", async () => {
  const path = join(folder, "journal.jsonl");
  await writeFile(path, "one\ntw");
  vi.spyOn(nodeFiles, "writeAtomic").mockRejectedValueOnce(new CutterError("DISK_FULL", { path, reason: "ENOSPC" }));
  const journal = openJournalFile(path);
  await expect(journal.replaceTail(4, "two")).rejects.toMatchObject({ code: "DISK_FULL" });
  await expect(journal.append("two")).rejects.toMatchObject({ code: "DISK_FULL" });
  await journal.close();
  expect(await readFile(path, "utf8")).toBe("one\ntw");
});
