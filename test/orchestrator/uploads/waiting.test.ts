// What a wait says: since when, until when at most, and what was seen, without a word more; and when a lost write is sent again.
import { describe, expect, it } from "vitest";
import { CutterError, type Facts } from "../../../orchestrator/core/errors.ts";
import type { Code } from "../../../orchestrator/core/codes/index.ts";
import { mayStillLand, toSeen, toWaiting } from "../../../orchestrator/uploads/waiting.ts";
import { uploadWithReceipt } from "../../../orchestrator/uploads/receipt.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import type { KnowledgeBase } from "../../../orchestrator/ports/knowledge-base.ts";
import { FakeClock } from "../../support/worlds/fake-clock.ts";

const post = "POST /documents";
const cases: readonly (readonly [string, Code, Facts, string, boolean])[] = [
  [
    "500",
    "KB_UNAVAILABLE",
    { call: post, status: 500, reason: "answers 500" },
    "the knowledge base is reached and answers 500 to POST /documents",
    false,
  ],
  [
    "504",
    "KB_UNAVAILABLE",
    { call: post, status: 504, reason: "answers 504" },
    "the knowledge base is reached and answers 504 to POST /documents",
    true,
  ],
  [
    "silence",
    "KB_UNAVAILABLE",
    { call: post, reason: "no answer in time", timeout_ms: 30_000 },
    "the knowledge base gave no answer to POST /documents within 30000 ms",
    true,
  ],
  [
    "a closed port",
    "KB_UNAVAILABLE",
    { call: post, reason: "no connection", error: "ECONNREFUSED" },
    "no connection to the knowledge base for POST /documents: ECONNREFUSED",
    false,
  ],
  [
    "a cut connection",
    "KB_UNAVAILABLE",
    { call: post, reason: "connection lost", error: "ECONNRESET" },
    "the connection to the knowledge base broke during POST /documents: ECONNRESET",
    true,
  ],
  [
    "a cut connection of a read",
    "KB_UNAVAILABLE",
    { call: "GET /kb/get/a.md", reason: "connection lost", error: "ECONNRESET" },
    "the connection to the knowledge base broke during GET /kb/get/a.md: ECONNRESET",
    false,
  ],
  ["another run", "DOCUMENT_LOCKED", { holder: "run-8" }, "run-8 holds it", false],
  ["others", "KB_INDEX_CONTENDED", {}, "somebody else writes it at the same time", false],
  ["anything else", "KB_UNAVAILABLE", { call: post, reason: "interrupted" }, "KB_UNAVAILABLE at POST /documents: interrupted", false],
];
it.each(cases)("%s is told as what it is", (_what, code, facts, seen, lands) => {
  const error = new CutterError(code, facts);
  expect([toSeen(error), mayStillLand(error)]).toEqual([seen, lands]);
});

it("names the first failed try and the last moment", () => {
  const clock = new FakeClock();
  const failedAtMs = clock.monotonicMs();
  clock.advance(421_000);
  expect(toWaiting(clock, failedAtMs, 60_000, new CutterError("KB_INDEX_CONTENDED", {}))).toEqual({
    sinceMs: 421_000,
    since: "2026-11-22T10:00:00Z",
    until: "2026-11-22T10:08:01Z",
    seen: "somebody else writes it at the same time",
  });
});

describe("a write whose answer did not come", () => {
  const document = { id: "knowledge/dev/r.md", title: "R", body: "Điều 1", tags: [] };
  /** A server whose writes are not answered; the first lands `landsAfterMs` later, another at once. */
  function slowServer(clock: FakeClock, landsAfterMs: number) {
    const sentAtMs: number[] = [];
    const isThere = () => sentAtMs.length > 1 || (sentAtMs[0] !== undefined && clock.monotonicMs() >= sentAtMs[0] + landsAfterMs);
    const knowledgeBase: KnowledgeBase = {
      kind: "agent-data",
      read: async () => (isThere() ? { ...document, revision: sentAtMs.length, sha256: sha256Hex(document.body) } : null),
      write: async () => {
        sentAtMs.push(clock.monotonicMs());
        throw new CutterError("KB_UNAVAILABLE", { call: post, reason: "no answer in time", timeout_ms: 30_000 });
      },
      writeAt: () => Promise.reject(new Error("not of this test")),
      list: () => Promise.reject(new Error("not of this test")),
      close: async () => undefined,
    };
    return { knowledgeBase, sentAtMs };
  }

  it("is looked for and not sent again while it may still land", async () => {
    const clock = new FakeClock();
    const { knowledgeBase, sentAtMs } = slowServer(clock, 96_000);
    const seen: string[] = [];
    const options = { waitAtMostMs: 600_000, onWaiting: (waiting: { readonly seen: string }) => seen.push(waiting.seen) };
    expect(await uploadWithReceipt(knowledgeBase, document, clock, options)).toMatchObject({ revision: 1 });
    expect(sentAtMs).toHaveLength(1);
    expect(new Set(seen)).toEqual(new Set(["the knowledge base gave no answer to POST /documents within 30000 ms"]));
  });

  it("is sent once more when it did not land in two minutes", async () => {
    const clock = new FakeClock();
    const { knowledgeBase, sentAtMs } = slowServer(clock, 86_400_000);
    expect(await uploadWithReceipt(knowledgeBase, document, clock, { waitAtMostMs: 600_000 })).toMatchObject({ revision: 2 });
    expect(sentAtMs).toHaveLength(2);
    expect((sentAtMs[1] ?? 0) - (sentAtMs[0] ?? 0)).toBeGreaterThanOrEqual(120_000);
  });
});
