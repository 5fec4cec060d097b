// Storing what must not be overwritten while it counts: equal bytes are a receipt, other bytes a refusal unless they may go, and a race
// writes nothing.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDirectoryKb } from "../../support/worlds/directory-kb.ts";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { isOutdated } from "../../../orchestrator/core/approval/freshness.ts";
import { storeUnlessTaken } from "../../../orchestrator/uploads/receipt.ts";
import type { KnowledgeBase } from "../../../orchestrator/ports/knowledge-base.ts";

let root: string;
let kb: KnowledgeBase;
const document = (body: string) => ({ id: "knowledge/a/sg-1.md", title: "SG_1", body, tags: [] });
const store = (body: string, mayReplace = false, into: KnowledgeBase = kb) => storeUnlessTaken(into, document(body), () => mayReplace);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cutter-kb-"));
  kb = openDirectoryKb({ root, files: nodeFiles });
});
afterEach(() => rm(root, { recursive: true, force: true }));

it("stores once, and gives the same receipt for the same bytes", async () => {
  const receipt = await store("one");
  expect(await store("one")).toEqual(receipt);
  expect(receipt.revision).toBe(1);
});

it("refuses other bytes while what stands there counts, and replaces them when it does not", async () => {
  await store("one");
  await expect(store("two")).rejects.toMatchObject({ code: "APPROVAL_TAKEN" });
  expect((await kb.read(document("").id))?.body).toBe("one");
  expect((await store("two", true)).revision).toBe(2);
  expect((await kb.read(document("").id))?.body).toBe("two");
});

it("writes nothing over what somebody else stored meanwhile", async () => {
  const raced: KnowledgeBase = {
    ...kb,
    read: (id) => kb.read(id),
    list: (prefix) => kb.list(prefix),
    write: (wanted) => kb.write(wanted),
    close: () => kb.close(),
    writeAt: async (wanted, revision) => {
      await kb.write(document("theirs"));
      return kb.writeAt(wanted, revision);
    },
  };
  await expect(store("ours", false, raced)).rejects.toMatchObject({ code: "APPROVAL_TAKEN" });
  expect((await kb.read(document("").id))?.body).toBe("theirs");
});

it("an approval is outdated one millisecond after its gate's hours, not at them", () => {
  const issued = { gate: "SG_2", issued_at: "2026-11-22T00:00:00Z" } as const;
  expect(isOutdated(issued, new Date("2026-11-22T12:00:00.000Z"))).toBe(false);
  expect(isOutdated(issued, new Date("2026-11-22T12:00:00.001Z"))).toBe(true);
});
