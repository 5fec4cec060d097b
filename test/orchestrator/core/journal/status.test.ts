// The journal's chain and its state machine: what may follow what, and what tampering looks like.
import { CutterError, toCodeText } from "../../../../orchestrator/core/errors.ts";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { chainStart, readChain, toLine, toLineHash } from "../../../../orchestrator/core/journal/chain.ts";
import type { JournalEntry, JournalRecord } from "../../../../orchestrator/core/journal/record.ts";
import { newRun, nextStatus, toStatus } from "../../../../orchestrator/core/journal/status.ts";

const sha256 = "a".repeat(64);
const at = "2026-11-22T10:00:00.000Z";
const wholeRun: readonly JournalEntry[] = [
  {
    kind: "run_started",
    run_id: "run-1",
    document_id: "knowledge/a.md",
    mode: "dryrun",
    inputs: { request_sha256: sha256, config_sha256: sha256, release_sha256: null, host_identity: null },
  },
  { kind: "attempt_started", attempt: 1, pid: 1, boot_id: "b" },
  { kind: "census_before", system_identifier: "1", counters: null, tables: [] },
  { kind: "phase_started", phase: "cut_leg_a", number: 1 },
  { kind: "decision_rehearsed", gate: "SG_1", phase: "cut_leg_a", row: { id: null }, would_refuse: [] },
  { kind: "phase_done", phase: "cut_leg_a", number: 1, output_sha256: sha256, would_refuse: [], duration_ms: 3 },
  { kind: "receipt", phase: "cut_leg_a", document_id: "knowledge/r.md", revision: 1, sha256 },
  { kind: "index_written", document_id: "knowledge/i.md", revision: 1, sha256 },
  { kind: "run_finished", result: "done", certificate: "pass", exit_code: 0 },
  { kind: "attempt_ended", attempt: 1, why: "finished", code: null, facts: {}, connections: [] },
];

const toRecords = (entries: readonly JournalEntry[]): readonly JournalRecord[] =>
  entries.map((entry, seq) => ({ seq, at, prev: chainStart, entry }));

function toBytes(entries: readonly JournalEntry[]): Buffer {
  let prev = chainStart;
  const lines = entries.map((entry, seq) => {
    const line = toLine(entry, { seq, at, prev });
    prev = toLineHash(line);
    return `${line}\n`;
  });
  return Buffer.from(lines.join(""));
}

describe("the state machine", () => {
  it("follows a whole run to its end", () => {
    const status = toStatus(toRecords(wholeRun));
    expect(status).toMatchObject({
      attempt: 1,
      attemptOpen: false,
      killedAttempts: 0,
      indexWritten: true,
      finished: { certificate: "pass" },
    });
    expect(status.done).toHaveLength(1);
  });

  it("refuses every record of a run in every place where it cannot stand", () => {
    const legal = new Set<string>();
    for (let length = 0; length <= wholeRun.length; length += 1) {
      const before = toRecords(wholeRun.slice(0, length)).reduce(nextStatus, newRun);
      for (const entry of wholeRun) {
        if (isLegal(() => nextStatus(before, { seq: length, at, prev: chainStart, entry })))
          legal.add(`${wholeRun[length - 1]?.kind ?? "nothing"} → ${entry.kind}`);
      }
    }
    expect([...legal].sort()).toEqual(
      [
        "nothing → run_started",
        "run_started → attempt_started",
        "attempt_started → census_before",
        "census_before → phase_started",
        "phase_started → phase_started", // an interrupted phase of a dry run is done again
        "phase_started → decision_rehearsed",
        "phase_started → phase_done",
        "decision_rehearsed → decision_rehearsed",
        "decision_rehearsed → phase_started",
        "decision_rehearsed → phase_done",
        "phase_done → receipt",
        "receipt → index_written",
        "index_written → index_written",
        "index_written → run_finished",
        ...[
          "attempt_started",
          "census_before",
          "phase_started",
          "decision_rehearsed",
          "phase_done",
          "receipt",
          "index_written",
          "run_finished",
        ].map((kind) => `${kind} → attempt_ended`),
      ].sort(),
    );
  });

  it("counts a start that ended without a word", () => {
    const [started, first] = wholeRun;
    if (started === undefined || first === undefined) throw new Error("no records");
    const status = toStatus(toRecords([started, first, { kind: "attempt_started", attempt: 2, pid: 2, boot_id: "b" }]));
    expect(status).toMatchObject({ attempt: 2, killedAttempts: 1 });
  });
});

describe("the chain", () => {
  it("reads back what was written", () => {
    const chain = readChain(toBytes(wholeRun), "j");
    expect(chain.records.map((record) => record.entry)).toEqual(wholeRun);
    expect(readChain(new Uint8Array(), "j")).toEqual({ records: [], head: chainStart, bytes: 0, torn: null });
  });

  it("sees every single changed byte, unless the line it cuts off is the last", () => {
    const bytes = toBytes(wholeRun.slice(0, 4));
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      const lastLine = index >= bytes.subarray(0, -1).lastIndexOf("\n") + 1;
      const seen = (() => {
        try {
          readChain(changed, "j");
          return false;
        } catch {
          return true;
        }
      })();
      expect(seen || lastLine, `byte ${String(index)}`).toBe(true);
    }
  });

  it("tells a torn tail from a damaged line", () => {
    const bytes = toBytes(wholeRun);
    const lastBegins = bytes.subarray(0, -1).lastIndexOf("\n") + 1;
    for (const end of [bytes.length - 1, lastBegins + 1]) {
      const tail = bytes.subarray(lastBegins, end);
      const torn = readChain(bytes.subarray(0, end), "j");
      expect(torn.records.map(({ entry }) => entry)).toEqual(wholeRun.slice(0, -1));
      expect(torn).toMatchObject({ bytes: lastBegins, torn: { bytes: tail.length, sha256: sha256Hex(tail) } });
    }
    expect(readChain(Buffer.from("{"), "j")).toMatchObject({ records: [], head: chainStart, bytes: 0, torn: { bytes: 1 } });
    // What is no beginning of the next record was no append of ours.
    const next = `{"seq":${String(wholeRun.length)},"at":"`;
    expect(readChain(Buffer.concat([bytes, Buffer.from(`${next}2026`)]), "j").torn).not.toBeNull();
    for (const tail of ["\xff", "\0\0", '{"seq":0,"at":"', `${next}\0`, `${next}","prev":"${"0".repeat(64)}"}{"seq":`])
      expect(() => readChain(Buffer.concat([bytes, Buffer.from(tail, "latin1")]), "j")).toThrow(
        expect.objectContaining({ code: "JOURNAL_DAMAGED" }),
      );
    expect(() => readChain(Buffer.from(bytes.toString().replaceAll("\n", "\r")), "j")).toThrow(
      expect.objectContaining({ code: "JOURNAL_DAMAGED" }),
    );
    expect(() => readChain(Buffer.concat([bytes, Buffer.from("{}\n")]), "j")).toThrow(expect.objectContaining({ code: "JOURNAL_DAMAGED" }));
    expect(() => readChain(Buffer.from([0xff, 0x0a]), "j")).toThrow(expect.objectContaining({ code: "JOURNAL_DAMAGED" }));
  });
});

describe("a record behind a tail that was cut back", () => {
  const cut = { bytes: 7, sha256: "c".repeat(64) };
  const withCut = (entries: readonly JournalEntry[], at: number) => {
    let prev = chainStart;
    const lines = entries.map((entry, seq) => {
      const line = toLine(entry, { seq, at: "2026-11-22T10:00:00.000Z", prev, ...(seq === at ? { cut } : {}) });
      prev = toLineHash(line);
      return `${line}\n`;
    });
    return readChain(Buffer.from(lines.join("")), "j").records;
  };

  it("tells what was cut, where a start begins", () => {
    const [started, first] = wholeRun;
    if (started === undefined || first === undefined) throw new Error("no records");
    const second: JournalEntry = { kind: "attempt_started", attempt: 2, pid: 2, boot_id: "b" };
    const records = withCut([started, first, second], 2);
    expect(records.map((record) => record.cut)).toEqual([undefined, undefined, cut]);
    expect(toStatus(records)).toMatchObject({ attempt: 2, killedAttempts: 1 });
    expect(toStatus(withCut([started], 0)).started).not.toBeNull();
  });

  it("is illegal in the middle of a start: nothing is cut back there", () => {
    for (const at of wholeRun.keys()) {
      const kind = wholeRun[at]?.kind;
      const legal = kind === "run_started" || kind === "attempt_started" || (kind === "attempt_ended" && at === wholeRun.length - 1);
      expect(isLegal(() => toStatus(withCut(wholeRun, at)))).toBe(legal);
    }
  });
});

/** False only for the refusal a journal owes; any other error is the test's failure. */
function isLegal(step: () => unknown): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (error instanceof CutterError && toCodeText(error) === "JOURNAL_DAMAGED reason=illegal_record" && error.exitCode === 30)
      return false;
    throw error;
  }
}
