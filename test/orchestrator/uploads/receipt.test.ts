// A receipt is given only for what was read back in full; an outage is waited out, visibly and with an end.
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { storeWithReceipt, uploadWithReceipt } from "../../../orchestrator/uploads/receipt.ts";
import type { Clock } from "../../../orchestrator/ports/clock.ts";
import type { KbDocument, KnowledgeBase } from "../../../orchestrator/ports/knowledge-base.ts";
import { toRefusal } from "../../support/refusal-case.ts";

const document = { id: "knowledge/dev/r.md", title: "R", body: "Điều 1", tags: [] };
const toStored = (body: string, revision: number, id = document.id): KbDocument => ({
  id,
  revision,
  body,
  sha256: sha256Hex(body),
  title: "R",
});
const outage = () => new CutterError("KB_UNAVAILABLE", { call: "POST /documents" });

/** One document in memory; `before` and `after` may throw around a call, `read` may lie. */
function knowledgeBaseWith(hooks: {
  readonly standing?: KbDocument;
  readonly before?: (call: "read" | "write") => void;
  readonly after?: (call: "read" | "write") => void;
  readonly lie?: (stored: KbDocument | null) => KbDocument | null;
}) {
  let stored: KbDocument | null = hooks.standing ?? null;
  const calls: string[] = [];
  const knowledgeBase: KnowledgeBase = {
    kind: "directory",
    read: async () => {
      calls.push("read");
      hooks.before?.("read");
      const answer = calls.includes("write") && hooks.lie ? hooks.lie(stored) : stored;
      hooks.after?.("read");
      return answer;
    },
    write: async ({ id, body }) => {
      calls.push("write");
      hooks.before?.("write");
      stored = toStored(body, (stored?.revision ?? 0) + 1, id);
      const { revision } = stored;
      hooks.after?.("write");
      return { id, revision, status: revision === 1 ? "created" : "updated" };
    },
    writeAt: () => Promise.reject(new Error("not of this test")),
    list: () => Promise.reject(new Error("not of this test")),
    close: async () => undefined,
  };
  return { knowledgeBase, calls, stored: () => stored };
}

/** Time passes only by waiting. */
function manualClock() {
  let nowMs = 5_000;
  const pausesMs: number[] = [];
  const clock: Clock = {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    wait: async (ms, signal) => {
      signal?.throwIfAborted();
      pausesMs.push(ms);
      nowMs += ms;
    },
  };
  return { clock, pausesMs };
}

describe("one try", () => {
  it("writes, reads back and names id, revision and digest", async () => {
    const { knowledgeBase, calls } = knowledgeBaseWith({});
    expect(await storeWithReceipt(knowledgeBase, document)).toEqual({ id: document.id, revision: 1, sha256: sha256Hex(document.body) });
    expect(calls).toEqual(["read", "write", "read"]);
  });

  it("gives the receipt of what already stands there, without a new revision", async () => {
    const { knowledgeBase, calls, stored } = knowledgeBaseWith({ standing: toStored(document.body, 4) });
    expect(await storeWithReceipt(knowledgeBase, document)).toMatchObject({ revision: 4 });
    expect(calls).toEqual(["read"]);
    expect(stored()?.revision).toBe(4);
  });

  it("overwrites another body at the next revision", async () => {
    const { knowledgeBase } = knowledgeBaseWith({ standing: toStored("old", 4) });
    expect(await storeWithReceipt(knowledgeBase, document)).toMatchObject({ revision: 5 });
  });

  it("accepts a later revision with our body: an upload of ours that landed late", async () => {
    const { knowledgeBase } = knowledgeBaseWith({ lie: () => toStored(document.body, 2) });
    expect(await storeWithReceipt(knowledgeBase, document)).toMatchObject({ revision: 2 });
  });

  it.each([
    ["another body", () => toStored("Điều 2", 1), "KB_READ_BACK_DIFFERS reason=body"],
    [
      "another body under our digest",
      () => ({ ...toStored("Điều 2", 1), sha256: sha256Hex(document.body) }),
      "KB_READ_BACK_DIFFERS reason=body",
    ],
    ["a body cut at 500 characters", () => toStored(document.body.slice(0, 3), 1), "KB_READ_BACK_DIFFERS reason=body"],
    ["nothing", () => null, "KB_READ_BACK_DIFFERS reason=body"],
    ["another document", () => toStored(document.body, 1, "knowledge/dev/other.md"), "KB_READ_BACK_DIFFERS reason=document"],
    ["an earlier revision", () => toStored(document.body, 0), "KB_READ_BACK_DIFFERS reason=revision"],
  ])("refuses %s read back", async (_what, lie, code) => {
    await expect(storeWithReceipt(knowledgeBaseWith({ lie }).knowledgeBase, document)).rejects.toMatchObject(toRefusal(code));
  });

  it("refuses when the document was deleted and begun anew under our hands", async () => {
    const { knowledgeBase } = knowledgeBaseWith({ standing: toStored("old", 4) });
    let written = false;
    const begunAnew: KnowledgeBase = {
      ...knowledgeBase,
      write: async ({ id }) => {
        written = true;
        return { id, revision: 1, status: "created" };
      },
      read: async (id) => (written ? toStored(document.body, 1) : await knowledgeBase.read(id)),
    };
    await expect(storeWithReceipt(begunAnew, document)).rejects.toMatchObject({
      code: "KB_READ_BACK_DIFFERS",
      facts: { reason: "revision" },
    });
  });
});

describe("during an outage", () => {
  it("waits with growing pauses, says so each time, and stores exactly once when it is over", async () => {
    const { clock, pausesMs } = manualClock();
    let failures = 7;
    const before = () => {
      if ((failures -= 1) >= 0) throw outage();
    };
    const { knowledgeBase, calls, stored } = knowledgeBaseWith({ before });
    const waited: number[] = [];
    const receipt = await uploadWithReceipt(knowledgeBase, document, clock, {
      waitAtMostMs: 600_000,
      onWaiting: ({ sinceMs }) => waited.push(sinceMs),
    });
    expect(receipt).toMatchObject({ revision: 1 });
    expect(pausesMs).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(waited).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000]);
    expect(calls.filter((call) => call === "write")).toHaveLength(1);
    expect(stored()?.revision).toBe(1);
  });

  it("makes no second revision when the answer of a write was lost after it was stored", async () => {
    let lost = false;
    const after = (call: string) => {
      if (call === "write" && !lost) {
        lost = true;
        throw outage();
      }
    };
    const { knowledgeBase, calls, stored } = knowledgeBaseWith({ after });
    expect(await uploadWithReceipt(knowledgeBase, document, manualClock().clock, { waitAtMostMs: 60_000 })).toMatchObject({ revision: 1 });
    expect(calls).toEqual(["read", "write", "read"]);
    expect(stored()?.revision).toBe(1);
  });

  it("gives up with KB_UNAVAILABLE at the bound, after a last try at it, and says how long it waited", async () => {
    const { clock, pausesMs } = manualClock();
    const { knowledgeBase } = knowledgeBaseWith({
      before: () => {
        throw outage();
      },
    });
    const failed = uploadWithReceipt(knowledgeBase, document, clock, { waitAtMostMs: 5_000 });
    await expect(failed).rejects.toMatchObject({
      code: "KB_UNAVAILABLE",
      exitCode: 11,
      facts: { id: document.id, waited_ms: 5_000, call: "POST /documents" },
    });
    expect(pausesMs).toEqual([1_000, 2_000, 2_000]);
  });

  it("does not wait for anything that waiting cannot mend", async () => {
    const { clock, pausesMs } = manualClock();
    const { knowledgeBase } = knowledgeBaseWith({
      before: () => {
        throw new CutterError("KB_KEY_REFUSED", {});
      },
    });
    await expect(uploadWithReceipt(knowledgeBase, document, clock, { waitAtMostMs: 60_000 })).rejects.toMatchObject({
      code: "KB_KEY_REFUSED",
    });
    expect(pausesMs).toEqual([]);
  });

  it("ends its pause when it is told to stop", async () => {
    const { knowledgeBase } = knowledgeBaseWith({
      before: () => {
        throw outage();
      },
    });
    const failed = uploadWithReceipt(knowledgeBase, document, manualClock().clock, {
      waitAtMostMs: 60_000,
      signal: AbortSignal.abort(new Error("told to stop")),
    });
    await expect(failed).rejects.toThrow("told to stop");
  });
});
