// The journal's file: appended, never rewritten, and refused through a link.
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
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
