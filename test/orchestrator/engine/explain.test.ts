// explain, over every state of a live run and every code of the registry: what is certain is certain, what is not is named, and one command
// is always the next.
import { describe, expect, it } from "vitest";
import { codes, type Code } from "../../../orchestrator/core/codes/index.ts";
import { isEscalation } from "../../../orchestrator/core/run/escalation.ts";
import { effectSteps, type EffectStep } from "../../../orchestrator/core/journal/effect.ts";
import { chainStart } from "../../../orchestrator/core/journal/chain.ts";
import { hasWritten } from "../../../orchestrator/core/journal/live.ts";
import type { JournalEntry } from "../../../orchestrator/core/journal/record.ts";
import { toStatus, type RunStatus } from "../../../orchestrator/core/journal/status.ts";
import { phaseNames, type PhaseName } from "../../../orchestrator/core/phase-names.ts";
import { explain } from "../../../orchestrator/engine/explain/explain.ts";
import { toRunSummary, type RunSummary } from "../../../orchestrator/engine/records/read-run.ts";

const sha256 = "a".repeat(64);
const documentId = "knowledge/a.md";
const verified = (gate: "SG_1" | "SG_2" | "SG_3"): JournalEntry => ({
  kind: "approval_verified",
  gate,
  kb_id: "knowledge/s.md",
  document_sha256: sha256,
  review_decision_id: `id of ${gate}`,
  payload_sha: sha256,
  issued_at: "2026-11-22T10:00:00Z",
  signatures: [],
  human_signers: 1,
});
const done = (step: EffectStep): readonly JournalEntry[] => [
  { kind: "effect_intended", step, effect_sha256: sha256 },
  { kind: "transaction", step, id: "901" },
  { kind: "effect_done", step, effect_sha256: sha256, found: "committed" },
];
const begun: readonly JournalEntry[] = [
  {
    kind: "run_started",
    run_id: "run-1",
    document_id: documentId,
    mode: "live",
    inputs: { request_sha256: sha256, config_sha256: sha256, release_sha256: null, host_identity: null },
  },
  { kind: "attempt_started", attempt: 1, pid: 1, boot_id: "b" },
  { kind: "census_before", system_identifier: "1", counters: null, tables: [] },
];
/** Done phases up to `phase`, which is begun. */
function upTo(phase: string): readonly JournalEntry[] {
  const entries: JournalEntry[] = [...begun];
  for (const [index, name] of phaseNames.entries()) {
    entries.push({ kind: "phase_started", phase: name, number: index + 1 });
    if (name === phase) return entries;
    if (name === "pre_write_backup")
      entries.push(
        { kind: "effect_intended", step: name, effect_sha256: null },
        { kind: "effect_done", step: name, effect_sha256: sha256, found: "committed" },
      );
    if (name === "cut_leg_a") entries.push(verified("SG_1"), ...done("SG_1"));
    if (name === "cut_leg_a" || name === "leg_b_record" || name === "write_verify") entries.push(...done(name));
    entries.push(
      { kind: "phase_done", phase: name, number: index + 1, output_sha256: sha256, would_refuse: [], duration_ms: 1 },
      { kind: "receipt", phase: name, document_id: "knowledge/r.md", revision: 1, sha256 },
    );
  }
  return entries;
}

const states: Readonly<Record<string, readonly JournalEntry[]>> = {
  "before anything": begun,
  "in phase 1": upTo("source_pin"),
  "at the backup": upTo("pre_write_backup"),
  "SG_1 intended, no transaction": [
    ...upTo("cut_leg_a"),
    verified("SG_1"),
    { kind: "effect_intended", step: "SG_1", effect_sha256: sha256 },
  ],
  "SG_1 rolled back": [
    ...upTo("cut_leg_a"),
    verified("SG_1"),
    { kind: "effect_intended", step: "SG_1", effect_sha256: sha256 },
    { kind: "transaction", step: "SG_1", id: "900" },
    { kind: "effect_rolled_back", step: "SG_1", why: "x" },
  ],
  "SG_1 pending": [
    ...upTo("cut_leg_a"),
    verified("SG_1"),
    { kind: "effect_intended", step: "SG_1", effect_sha256: sha256 },
    { kind: "transaction", step: "SG_1", id: "900" },
  ],
  "SG_1 there": [...upTo("cut_leg_a"), verified("SG_1"), ...done("SG_1")],
  "leg A pending": [
    ...upTo("cut_leg_a"),
    verified("SG_1"),
    ...done("SG_1"),
    { kind: "effect_intended", step: "cut_leg_a", effect_sha256: sha256 },
    { kind: "transaction", step: "cut_leg_a", id: "902" },
  ],
  "leg A there": upTo("structural_verify"),
  "before SG_2": upTo("lifecycle_enact"),
  "SG_2 there": [...upTo("lifecycle_enact"), verified("SG_2"), ...done("SG_2")],
};

const end = (code: Code, status: RunStatus): readonly JournalEntry[] => {
  const phase = toPhase(status);
  const raised: readonly JournalEntry[] =
    phase !== null && isEscalation(status, phase, code) ? [{ kind: "escalated", phase, code, facts: {} }] : [];
  return [
    ...raised,
    {
      kind: "attempt_ended",
      attempt: 1,
      why: codes[code].exit === 11 ? "waiting" : "stopped",
      code,
      facts: code === "DOCUMENT_CLAIMED_BY_RUN" ? { run_id: "run-0" } : {},
      connections: [],
    },
  ];
};
const toPhase = (status: RunStatus): PhaseName | null => phaseNames[status.done.length] ?? null;
const replay = (entries: readonly JournalEntry[]): RunStatus =>
  toStatus(entries.map((entry, seq) => ({ seq, at: "2026-11-22T10:00:00.000Z", prev: chainStart, entry })));
function look(entries: readonly JournalEntry[]): {
  readonly status: RunStatus;
  readonly standing: RunSummary;
  readonly told: ReturnType<typeof explain>;
} {
  const status = replay(entries);
  const run = {
    runId: "run-1",
    status,
    lastAt: "2026-11-22T10:00:00.000Z",
    folder: { path: "", journalPath: "", write: never, writeOutput: never, readOutput: never, read: never },
  };
  const standing = toRunSummary(run, phaseNames);
  return { status, standing, told: explain(run, standing, true) };
}
const never = (): Promise<never> => Promise.reject(new Error("not in this test"));
const commands =
  /^(?:runbooks\/(?:enable|prepare|emergency-revert) --run-id \S+|cutter (?:approval draft --gate SG_[123]|orchestrate (?:report|explain)|audit verify|kill-switch status|config check)|systemctl is-active)/;

describe.each(Object.entries(states))("a live run stopped %s", (_name, entries) => {
  it.each(Object.keys(codes) as Code[])("with %s", (code) => {
    const { status, standing, told } = look([...entries, ...end(code, replay(entries))]);
    const written = hasWritten(status);
    expect(told.next).toMatch(commands);
    expect(told.who).not.toBe("");
    expect(told.certain.at(-1)).toContain(`its last start ended with ${code}`);
    expect(told.certain.includes("nothing of this run stands in the database")).toBe(!written);
    expect(told.uncertain.some((line) => line.startsWith("whether transaction"))).toBe(
      effectSteps.some((step) => status.effects[step].pending),
    );
    for (const step of effectSteps)
      expect(told.certain.some((line) => line.startsWith(`${step} stands in the database`))).toBe(status.effects[step].state === "done");
    expect(standing.exit_code).toBe(written && ![0, 30, 70].includes(codes[code].exit) ? 20 : codes[code].exit);
    expect(!written || [20, 30, 70].includes(standing.exit_code ?? -1)).toBe(true);
    // What waits for the sovereign, or for eyes, is never answered by starting again.
    const needsEyes =
      standing.waits_on === "SG_2" || standing.waits_on === "SG_3" || code === "STOP_REPLAY_CONFLICT" || codes[code].exit === 70;
    expect([needsEyes && told.next.includes("enable"), written && told.next.includes("prepare")]).toEqual([false, false]);
  });
});

describe("explain of a live run", () => {
  it.each([
    ["before SG_2", "APPROVAL_MISSING", "SG_2", "cutter approval draft --gate SG_2 --run-id run-1"],
    [
      "leg A there",
      "EFFECT_REFUSED",
      "SG_3",
      "cutter approval draft --gate SG_3 --run-id run-1 --phase structural_verify --decision resume",
    ],
    ["leg A there", "VOID_EFFECTS_STAND", null, "runbooks/emergency-revert --run-id run-1 --approval FILE"],
    ["leg A pending", "COMMIT_UNKNOWN", null, "runbooks/enable --run-id run-1 --ruling FILE"],
    ["leg A there", "KB_UNAVAILABLE", "knowledge_base", "runbooks/enable --run-id run-1 --ruling FILE"],
    ["leg A there", "EXECUTION_REVOKED", null, "cutter kill-switch status"],
    ["leg A there", "RUN_INTERRUPTED", null, "runbooks/enable --run-id run-1 --ruling FILE"],
    ["leg A pending", "STOP_REPLAY_CONFLICT", "SG_3", "cutter orchestrate report --run-id run-1"],
    ["before anything", "APPROVAL_MISSING", null, "cutter approval draft --gate SG_1 --run-id run-1"],
    ["in phase 1", "PAYLOAD_CHANGED", null, `runbooks/prepare --run-id NEW --document ${documentId}`],
    ["at the backup", "DOCUMENT_CLAIMED_BY_RUN", null, "cutter orchestrate explain --run-id run-0"],
  ] as const)("%s, stopped with %s, waits on %s and says %s", (name, code, waitsOn, next) => {
    const entries = states[name] ?? [];
    const { standing, told } = look([...entries, ...end(code, replay(entries))]);
    expect([standing.waits_on, told.next]).toEqual([waitsOn, next]);
  });

  it("that was killed names the transaction nobody knows about, and asks whether it still goes on", () => {
    const { told, standing } = look(states["leg A pending"] ?? []);
    expect(standing.state).toBe("begun");
    expect(told.uncertain).toEqual([
      expect.stringContaining("whether transaction 902 of cut_leg_a was committed"),
      expect.stringContaining("systemctl is-active cutter-run@run-1"),
    ]);
  });

  it("that was given up says so and never points back to it", () => {
    const { told, standing } = look([
      ...begun,
      { kind: "run_voided", why: "it is not needed" },
      { kind: "attempt_ended", attempt: 1, why: "finished", code: null, facts: {}, connections: [] },
    ]);
    expect(standing).toMatchObject({ state: "voided", code: "RUN_VOIDED", waits_on: null });
    expect(told.certain).toContainEqual(expect.stringContaining("it was given up"));
    expect(told.next).toBe(`runbooks/prepare --run-id NEW --document ${documentId}`);
  });
});
