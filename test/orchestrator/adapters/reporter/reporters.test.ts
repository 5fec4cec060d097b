// How a run tells what it does: the very bytes.
import { expect, it } from "vitest";
import { toEventLine } from "../../../../orchestrator/adapters/reporter/lines.ts";
import { jsonReporter, lineReporter, terminalReporter } from "../../../../orchestrator/adapters/reporter/reporters.ts";
import type { RunEvent } from "../../../../orchestrator/ports/reporter.ts";

const events: readonly RunEvent[] = [
  { kind: "run_started", runId: "run-1", mode: "dryrun", documentId: "knowledge/a.md", attempt: 1 },
  { kind: "phase_started", phase: "cut_leg_a", number: 6 },
  { kind: "phase_done", phase: "cut_leg_a", number: 6, durationMs: 1234, summary: "done", wouldRefuse: ["APPROVAL_MISSING"] },
  {
    kind: "gate_waiting",
    phase: "cut_leg_a",
    waitsOn: "knowledge_base",
    sinceMs: 2000,
    since: "2026-12-01T10:00:00Z",
    until: "2026-12-01T10:30:00Z",
    seen: "the knowledge base is reached and answers 500 to POST /documents",
  },
  { kind: "call_waiting", call: "POST /documents", sinceMs: 20_004, atMostMs: 30_000 },
  { kind: "gate_passed", phase: "cut_leg_a", documentId: "knowledge/r.md", revision: 1 },
  { kind: "warning", code: "PHASE_SOFT_CAP_PASSED", text: "slow" },
  { kind: "run_ended", result: "done", exitCode: 0, certificate: "pass" },
];

const written = (make: (write: (text: string) => void) => { report(event: RunEvent): void }): string => {
  let text = "";
  const reporter = make((part) => (text += part));
  for (const event of events) reporter.report(event);
  return text;
};

it("a later start of a run resumes it", () => {
  expect(toEventLine({ kind: "run_started", runId: "r", mode: "live", documentId: "knowledge/a.md", attempt: 3 })).toBe(
    "[INFO] run r resumes, start 3: mode=live document=knowledge/a.md",
  );
});

it("one line per event in a log", () => {
  expect(written(lineReporter)).toBe(
    [
      "[INFO] run run-1 begins: mode=dryrun document=knowledge/a.md",
      "[WARN] phase 06 cut_leg_a: done (1.2 s) would_refuse=APPROVAL_MISSING",
      "[WARN] gate cut_leg_a waits_on=knowledge_base for 2.0 s, since 2026-12-01T10:00:00Z, until 2026-12-01T10:30:00Z at most; " +
        "seen: the knowledge base is reached and answers 500 to POST /documents",
      "[INFO] the knowledge base has not answered POST /documents for 20.0 s; it is given up after 30.0 s, and a write is looked for " +
        "before it is sent again",
      "[INFO] gate cut_leg_a passed: knowledge/r.md revision 1",
      "[WARN] PHASE_SOFT_CAP_PASSED slow",
      "",
    ].join("\n"),
  );
});

it("a live line per phase on a terminal, cleared before the next", () => {
  const text = written(terminalReporter);
  expect(text).toContain("\r\u001b[K  …    phase 06 cut_leg_a\r\u001b[K[WARN] phase 06 cut_leg_a: done");
  expect(text).toContain("  …    gate cut_leg_a waits for knowledge_base, 2 s, until 2026-12-01T10:30:00Z at most");
  expect(text).toContain("  …    no answer to POST /documents for 20 s of 30 s");
  expect(text.endsWith("\r\u001b[K")).toBe(true);
});

it("one JSON object per event for machines", () => {
  const lines = written(jsonReporter)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toEqual(events.map((event) => ({ schema: "cutter.event/1", ...event })));
});
