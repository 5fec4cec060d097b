// What every knowledge base behind the port must do; run against each adapter, and against any fake that stands in for one.
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { KnowledgeBase } from "../../../../orchestrator/ports/knowledge-base.ts";

/** `open` gives a knowledge base without documents below `knowledge/contract/`; the caller closes it. */
export function itKeepsTheKnowledgeBaseContract(open: () => KnowledgeBase): void {
  let count = 0;
  const newId = () => `knowledge/contract/case-${(count += 1)}/document.md`;
  const write = (id: string, body: string, title = "A title") => open().write({ id, title, body, tags: ["one", "two"] });

  it("reads null for a document that was never written", async () => {
    expect(await open().read(newId())).toBeNull();
  });

  it("counts revisions from 1, says created once and updated from then on", async () => {
    const id = newId();
    expect(await write(id, "one")).toEqual({ id, revision: 1, status: "created" });
    expect(await write(id, "two")).toEqual({ id, revision: 2, status: "updated" });
    expect(await write(id, "two")).toEqual({ id, revision: 3, status: "updated" });
    expect(await open().read(id)).toMatchObject({ id, revision: 3, body: "two" });
  });

  it("writes at the named revision only: creates at 0, replaces at the one that stands, and says null without a trace at any other", async () => {
    const id = newId();
    const at = (revision: number, body: string) => open().writeAt({ id, title: "A title", body, tags: ["one"] }, revision);
    expect(await at(1, "too early")).toBeNull();
    expect(await open().read(id)).toBeNull();
    expect(await at(0, "one")).toEqual({ id, revision: 1, status: "created" });
    expect(await at(0, "again")).toBeNull();
    expect(await at(1, "two")).toEqual({ id, revision: 2, status: "updated" });
    for (const stale of [0, 1, 3]) expect(await at(stale, "stale")).toBeNull();
    expect(await open().read(id)).toMatchObject({ revision: 2, body: "two", title: "A title" });
  });

  const bodies: readonly (readonly [string, string])[] = [
    ["of no characters", ""],
    ["with CRLF, a byte order mark and no final newline", "\uFEFFa\r\nb\r\n\rc"],
    ["with composed and decomposed Vietnamese", "Điều 5. Tiếng Việt".normalize("NFC") + "Điều 5. Tiếng Việt".normalize("NFD")],
    ["of more than 500 characters", "Đoạn 😀 dài. ".repeat(4_000)],
    ["with controls, escapes, quotes and backslashes", "\u0001\u001b[31mred\u001b[0m \"'\\ \\u0000 \u2028\u202e"],
  ];
  it.each(bodies)("gives back a body %s byte for byte, with its digest", async (_what, body) => {
    const id = newId();
    await write(id, body);
    const stored = await open().read(id);
    expect(stored?.body === body).toBe(true);
    expect(stored?.sha256).toBe(createHash("sha256").update(body, "utf8").digest("hex"));
  });

  it("keeps the title", async () => {
    const id = newId();
    await write(id, "body", "Báo cáo: “phase 1”");
    expect((await open().read(id))?.title).toBe("Báo cáo: “phase 1”");
  });

  it("lists the documents below a prefix with revision and title, in the order of their ids", async () => {
    const folder = `knowledge/contract/list-${(count += 1)}`;
    await write(`${folder}/b.md`, "b", "B");
    await write(`${folder}/a/z.md`, "z", "Z");
    await write(`${folder}/b.md`, "b2", "B again");
    await write(`${folder}-beside/c.md`, "c");
    expect(await open().list(`${folder}/`)).toEqual({
      documents: [
        { id: `${folder}/a/z.md`, revision: 1, title: "Z" },
        { id: `${folder}/b.md`, revision: 2, title: "B again" },
      ],
      skipped: [],
    });
    expect(await open().list("knowledge/contract/nothing-here/")).toEqual({ documents: [], skipped: [] });
  });

  it.each([
    "knowledge/A.md",
    "knowledge/a__b.md",
    "knowledge/../a.md",
    "/knowledge/a.md",
    "knowledge//a.md",
    "knowledge/a.txt",
    "knowledge/.a.md",
    "knowledge/_a.md",
    "knowledge/a.md?x=.md",
    "knowledge/ä.md",
    "knowledge/a\n.md",
    ".md",
    "",
  ])("refuses %j as an id, for reading and for writing", async (id) => {
    await expect(open().read(id)).rejects.toMatchObject({ code: "KB_ID_INVALID" });
    await expect(write(id, "body")).rejects.toMatchObject({ code: "KB_ID_INVALID" });
  });

  it.each(["Knowledge/", "knowledge/__", "../", "a//b", "a b"])("refuses %j as a prefix", async (prefix) => {
    await expect(open().list(prefix)).rejects.toMatchObject({ code: "KB_ID_INVALID" });
  });

  it.each([
    ["U+0000 in the body", { body: "a\0b" }, "body"],
    ["a lone surrogate in the body", { body: "a\ud800b" }, "body"],
    ["an empty title", { title: "" }, "title"],
    ["an escape in the title", { title: "\u001b[2J" }, "title"],
    ["a newline in a tag", { tags: ["a\nb"] }, "tags"],
  ])("refuses %s before anything is stored", async (_what, change, part) => {
    const id = newId();
    await expect(open().write({ id, title: "T", body: "b", tags: [], ...change })).rejects.toMatchObject({
      code: "KB_DOCUMENT_INVALID",
      facts: { part },
    });
    expect(await open().read(id)).toBeNull();
  });

  it("refuses a body of more than 50 MB before anything is stored", async () => {
    const id = newId();
    await expect(write(id, "x".repeat(50 * 1024 * 1024 + 1))).rejects.toMatchObject({ code: "KB_DOCUMENT_INVALID" });
    expect(await open().read(id)).toBeNull();
  });
}
