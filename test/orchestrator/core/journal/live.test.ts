// The live half of the journal's state machine: what a live run may say after what, tried record by record in every place.
import { describe, expect, it } from "vitest";
import { chainStart, readChain, toLine, toLineHash } from "../../../../orchestrator/core/journal/chain.ts";
import { hasWritten } from "../../../../orchestrator/core/journal/live.ts";
import type { JournalEntry, JournalRecord } from "../../../../orchestrator/core/journal/record.ts";
import { nextStatus, toStatus, type RunStatus } from "../../../../orchestrator/core/journal/status.ts";
import type { PhaseName } from "../../../../orchestrator/core/phase-names.ts";

const sha256 = "a".repeat(64);
const at = "2026-11-22T10:00:00.000Z";
const inputs = { request_sha256: sha256, config_sha256: sha256, release_sha256: null, host_identity: null };
const verified = (gate: "SG_1" | "SG_2" | "SG_3" | "RULING", id: string = gate, documentSha256 = sha256): JournalEntry => ({
  kind: "approval_verified",
  gate,
  kb_id: "knowledge/s.md",
  document_sha256: documentSha256,
  review_decision_id: id,
  payload_sha: sha256,
  issued_at: at,
  signatures: [{ role: "sovereign", fingerprint: "F", signature_sha256: sha256 }],
  human_signers: 1,
});
const intended = (
  step: "SG_1" | "cut_leg_a" | "leg_b_record" | "SG_3" | "pre_write_backup",
  digest: string | null = sha256,
): JournalEntry => ({ kind: "effect_intended", step, effect_sha256: digest });
const transaction = (step: "SG_1" | "cut_leg_a" | "SG_3", id = "900"): JournalEntry => ({ kind: "transaction", step, id });
const done = (step: "SG_1" | "cut_leg_a" | "SG_3", digest: string | null = sha256): JournalEntry => ({
  kind: "effect_done",
  step,
  effect_sha256: digest,
  found: "committed",
});
const escalated: JournalEntry = { kind: "escalated", phase: "cut_leg_a", code: "EFFECT_REFUSED", facts: {} };
const decided = (decision: "resume" | "void", id = "SG_3"): JournalEntry => ({
  kind: "escalation_decided",
  decision,
  review_decision_id: id,
  approval_sha256: sha256,
});
const voided: JournalEntry = { kind: "run_voided", why: "w" };
const ended: JournalEntry = { kind: "attempt_ended", attempt: 1, why: "stopped", code: "EFFECT_REFUSED", facts: {}, connections: [] };
const again: JournalEntry = { kind: "attempt_started", attempt: 2, pid: 2, boot_id: "b" };
const phaseDone = (phase: PhaseName, number: number): JournalEntry => ({
  kind: "phase_done",
  phase,
  number,
  output_sha256: sha256,
  would_refuse: [],
  duration_ms: 1,
});
const started = (mode: "dryrun" | "live"): readonly JournalEntry[] => [
  { kind: "run_started", run_id: "run-1", document_id: "knowledge/a.md", mode, inputs },
  { kind: "attempt_started", attempt: 1, pid: 1, boot_id: "b" },
  { kind: "census_before", system_identifier: "1", counters: null, tables: [] },
];

/** Small: leg A is the first phase here; the machine knows steps by their names alone. */
const inLegA: readonly JournalEntry[] = [...started("live"), { kind: "phase_started", phase: "cut_leg_a", number: 1 }];
const claimed: readonly JournalEntry[] = [...inLegA, verified("SG_1"), intended("SG_1"), transaction("SG_1"), done("SG_1")];
const cut: readonly JournalEntry[] = [...claimed, intended("cut_leg_a"), transaction("cut_leg_a", "901"), done("cut_leg_a")];

const replay = (entries: readonly JournalEntry[]): RunStatus =>
  toStatus(entries.map((entry, seq): JournalRecord => ({ seq, at, prev: chainStart, entry })));
const isLegal = (before: readonly JournalEntry[], entry: JournalEntry): boolean => {
  const status = replay(before);
  try {
    nextStatus(status, { seq: before.length, at, prev: chainStart, entry });
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "JOURNAL_DAMAGED", facts: { reason: "illegal_record" }, exitCode: 30 });
    return false;
  }
};

describe("an effect", () => {
  it("goes from intended by its transaction to done, and counts as written from its transaction on", () => {
    const seen = cut.map((_entry, index) => hasWritten(replay(cut.slice(0, index + 1))));
    expect(seen.indexOf(true)).toBe(inLegA.length + 2); // transaction of SG_1
    expect(seen.slice(inLegA.length + 2)).not.toContain(false);
    expect(replay(cut).effects.cut_leg_a).toEqual({ state: "done", sha256, transactions: ["901"], pending: false, found: "committed" });
  });

  it.each([
    ["intended in another phase", inLegA, intended("leg_b_record")],
    ["intended without the approval its row needs", inLegA, intended("SG_1")],
    ["intended before the effects before it are done", inLegA, intended("cut_leg_a")],
    ["intended again when it is done", cut, intended("cut_leg_a")],
    [
      "intended again while a transaction of it is open",
      [...claimed, intended("cut_leg_a"), transaction("cut_leg_a")],
      intended("cut_leg_a"),
    ],
    ["given a transaction without an intent", claimed, transaction("cut_leg_a")],
    [
      "given a second transaction while one is open",
      [...claimed, intended("cut_leg_a"), transaction("cut_leg_a")],
      transaction("cut_leg_a", "901"),
    ],
    ["done without an intent", claimed, done("cut_leg_a")],
    ["done with another digest than was intended", [...claimed, intended("cut_leg_a")], done("cut_leg_a", "b".repeat(64))],
    ["done twice", cut, done("cut_leg_a")],
    ["left undone by its phase", claimed, phaseDone("cut_leg_a", 1)],
    ["given up by a row that no SG_3 decided", claimed, intended("SG_3")],
  ])("cannot be %s", (_what, before, entry) => {
    expect(isLegal(before, entry)).toBe(false);
  });

  it("that was rolled back can be intended again, and a file as long as its phase is not done", () => {
    const rolledBack: readonly JournalEntry[] = [
      ...claimed,
      intended("cut_leg_a"),
      transaction("cut_leg_a"),
      { kind: "effect_rolled_back", step: "cut_leg_a", why: "x" },
    ];
    expect(isLegal(rolledBack, intended("cut_leg_a"))).toBe(true);
    const backup: readonly JournalEntry[] = [
      ...started("live"),
      { kind: "phase_started", phase: "pre_write_backup", number: 1 },
      intended("pre_write_backup", null),
      { kind: "effect_done", step: "pre_write_backup", effect_sha256: sha256, found: "committed" },
    ];
    expect(isLegal(backup, intended("pre_write_backup", null))).toBe(true);
    expect(isLegal(backup, phaseDone("pre_write_backup", 1))).toBe(true);
  });

  it("survives the end of a start and is gone on with in the next", () => {
    const killed: readonly JournalEntry[] = [
      ...claimed,
      intended("cut_leg_a"),
      transaction("cut_leg_a"),
      again,
      { kind: "phase_started", phase: "cut_leg_a", number: 1 },
    ];
    expect(replay(killed)).toMatchObject({ killedAttempts: 1, effects: { cut_leg_a: { state: "intended", pending: true } } });
    expect(isLegal(killed, done("cut_leg_a"))).toBe(true);
  });
});

describe("an approval", () => {
  it("may be replaced until its row stands, and not afterwards", () => {
    const other = verified("SG_1", "another", "c".repeat(64));
    expect(isLegal([...inLegA, verified("SG_1")], other)).toBe(true);
    expect(isLegal([...inLegA, verified("SG_1"), intended("SG_1")], other)).toBe(true);
    expect(isLegal(claimed, other)).toBe(false);
    expect(isLegal(claimed, verified("SG_1"))).toBe(true); // the same one, judged again
  });
});

describe("an escalation", () => {
  const raised: readonly JournalEntry[] = [...claimed, escalated, ended, again];
  const known: readonly JournalEntry[] = [...raised, verified("RULING"), verified("SG_3")];

  it("lets nothing go on but its decision", () => {
    for (const entry of [
      { kind: "phase_started", phase: "cut_leg_a", number: 1 },
      intended("cut_leg_a"),
      phaseDone("cut_leg_a", 1),
      escalated,
      decided("resume"),
    ] as const)
      expect(isLegal(raised, entry), entry.kind).toBe(false);
    expect(isLegal(known, decided("resume"))).toBe(true);
    expect(isLegal(known, decided("resume", "another"))).toBe(false);
  });

  it("decided as resume goes on, and the same decision never counts twice", () => {
    const resumed = [...known, decided("resume")];
    expect(isLegal(resumed, { kind: "phase_started", phase: "cut_leg_a", number: 1 })).toBe(true);
    expect(isLegal(resumed, decided("resume"))).toBe(false);
    expect(isLegal([...resumed, escalated], decided("resume"))).toBe(false);
    expect(isLegal([...resumed, escalated, verified("SG_3", "second")], decided("void", "second"))).toBe(true);
  });

  it("decided as void only gives the run up: the row, then the end, and no start after it", () => {
    const giving = [...known, decided("void")];
    for (const entry of [{ kind: "phase_started", phase: "cut_leg_a", number: 1 }, intended("cut_leg_a"), escalated] as const)
      expect(isLegal(giving, entry), entry.kind).toBe(false);
    const given = [...giving, intended("SG_3"), transaction("SG_3"), done("SG_3"), voided];
    expect(replay(given).voided).toEqual({ why: "w", at });
    expect(isLegal(given, { ...ended, attempt: 2 })).toBe(true);
    for (const entry of [{ ...again, attempt: 3 }, voided, intended("SG_3"), verified("SG_1")])
      expect(isLegal(given, entry), entry.kind).toBe(false);
  });
});

describe("a dry run", () => {
  it("says nothing of what only a live run does, and may be given up", () => {
    const before = [...started("dryrun"), { kind: "phase_started", phase: "cut_leg_a", number: 1 } as const];
    for (const entry of [verified("SG_1"), intended("pre_write_backup", null), transaction("SG_1"), escalated, decided("resume")])
      expect(isLegal(before, entry), entry.kind).toBe(false);
    expect(isLegal(before, voided)).toBe(true);
  });

  it("ends with a certificate, and a live run without one", () => {
    const toEnd = (mode: "dryrun" | "live"): readonly JournalEntry[] => [
      ...started(mode),
      { kind: "phase_started", phase: "closeout", number: 1 },
      phaseDone("closeout", 1),
      { kind: "receipt", phase: "closeout", document_id: "knowledge/r.md", revision: 1, sha256 },
      { kind: "index_written", document_id: "knowledge/i.md", revision: 1, sha256 },
    ];
    const finished = (certificate: "pass" | null): JournalEntry => ({ kind: "run_finished", result: "done", certificate, exit_code: 0 });
    expect([
      isLegal(toEnd("dryrun"), finished("pass")),
      isLegal(toEnd("dryrun"), finished(null)),
      isLegal(toEnd("live"), finished(null)),
      isLegal(toEnd("live"), finished("pass")),
    ]).toEqual([true, false, true, false]);
  });
});

it("every live record reads back from its line as it was written", () => {
  const entries: readonly JournalEntry[] = [
    ...cut,
    escalated,
    ended,
    again,
    verified("SG_3"),
    decided("void"),
    intended("SG_3"),
    transaction("SG_3"),
    { kind: "effect_rolled_back", step: "SG_3", why: "x" },
    voided,
  ];
  let prev = chainStart;
  const lines = entries.map((entry, seq) => {
    const line = toLine(entry, { seq, at, prev });
    prev = toLineHash(line);
    return `${line}\n`;
  });
  expect(readChain(Buffer.from(lines.join("")), "journal").records.map(({ entry }) => entry)).toEqual(entries);
});
