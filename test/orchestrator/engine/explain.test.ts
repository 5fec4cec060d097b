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
import type { RevertAccount } from "../../../orchestrator/core/revert/account.ts";
import { explain } from "../../../orchestrator/engine/explain/explain.ts";
import { ownEnd, type HostView } from "../../../orchestrator/engine/explain/host-view.ts";
import { nextStepSchema, type Next } from "../../../orchestrator/core/run/next-step.ts";
import { toRunSummary, type RunSummary } from "../../../orchestrator/engine/records/read-run.ts";
import { revertAccount } from "../../support/revert-account.ts";

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
function look(
  entries: readonly JournalEntry[],
  view: Partial<HostView> = {},
  revert: RevertAccount | null = null,
): {
  readonly status: RunStatus;
  readonly standing: RunSummary;
  readonly told: ReturnType<typeof explain>;
} {
  const status = replay(entries);
  const run = {
    runId: "run-1",
    status,
    lastAt: "2026-11-22T10:00:00.000Z",
    revert,
    folder: { path: "", journalPath: "", write: never, writeOutput: never, readOutput: never, read: never },
  };
  const standing = toRunSummary(run, phaseNames);
  return { status, standing, told: explain(run, standing, { ...ownEnd, request: { mode: "live", documentId }, ...view }) };
}
const reverted: RevertAccount = { ...revertAccount, verifiedAt: null };
const never = (): Promise<never> => Promise.reject(new Error("not in this test"));
/** What can be typed as it stands: no placeholder, and nothing that only looks. */
const commands =
  /^(?:runbooks\/enable --run-id run-1 --ruling approvals\/run-1\/run-1\.RULING\.md|runbooks\/(?:start-run|emergency-revert|draft) --run-id run-1|cutter orchestrate (?:void|explain) --run-id)/;
const toWords = (next: Next): readonly string[] =>
  next === null ? [] : ("command" in next ? [next.command] : [next.draft, next.use]).map((argv) => argv.join(" "));

describe.each(Object.entries(states))("a live run stopped %s", (_name, entries) => {
  it.each(Object.keys(codes) as Code[])("with %s", (code) => {
    const { status, standing, told } = look([...entries, ...end(code, replay(entries))]);
    const written = hasWritten(status);
    expect(nextStepSchema.safeParse(told).success).toBe(true);
    expect(toWords(told.next).length).toBeGreaterThan(0);
    for (const typed of toWords(told.next)) expect(typed).toMatch(commands);
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
    // What waits for the sovereign is never answered by a command alone, and what has written is never given up or cut anew.
    const waits = standing.waits_on === "SG_2" || standing.waits_on === "SG_3";
    const signs = told.next !== null && "sign" in told.next ? told.next.sign : null;
    expect(!waits || signs === (code === "VOID_EFFECTS_STAND" ? "REVERT" : standing.waits_on)).toBe(true);
    expect(written && toWords(told.next).some((typed) => typed.includes("void --run-id"))).toBe(false);
  });
});

describe("explain of a live run", () => {
  const file = (gate: string): string => `approvals/run-1/run-1.${gate}.md`;
  const enable = `runbooks/enable --run-id run-1 --ruling ${file("RULING")}`;
  const draft = "runbooks/draft --run-id run-1 --gate";
  it.each([
    ["before SG_2", "APPROVAL_MISSING", "SG_2", [`${draft} SG_2`, `${enable} --approval ${file("SG_2")}`]],
    [
      "leg A there",
      "EFFECT_REFUSED",
      "SG_3",
      [`${draft} SG_3 --phase structural_verify --decision resume`, `${enable} --approval ${file("SG_3")}`],
    ],
    [
      "leg A there",
      "VOID_EFFECTS_STAND",
      null,
      [`${draft} REVERT`, `runbooks/emergency-revert --run-id run-1 --approval ${file("REVERT")}`],
    ],
    ["leg A pending", "COMMIT_UNKNOWN", null, [enable]],
    ["leg A there", "KB_UNAVAILABLE", "knowledge_base", [enable]],
    ["leg A there", "EXECUTION_REVOKED", null, [enable]],
    ["leg A there", "RUN_INTERRUPTED", null, [enable]],
    [
      "leg A pending",
      "STOP_REPLAY_CONFLICT",
      "SG_3",
      [`${draft} SG_3 --phase cut_leg_a --decision resume`, `${enable} --approval ${file("SG_3")}`],
    ],
    ["before anything", "APPROVAL_MISSING", null, [`${draft} SG_1`, `${enable} --approval ${file("SG_1")}`]],
    ["in phase 1", "PAYLOAD_CHANGED", null, ["cutter orchestrate void --run-id run-1"]],
    ["in phase 1", "INTERNAL_BUG", null, ["cutter orchestrate void --run-id run-1"]],
  ] as const)("%s, stopped with %s, waits on %s and says %s", (name, code, waitsOn, next) => {
    const entries = states[name] ?? [];
    const { standing, told } = look([...entries, ...end(code, replay(entries))]);
    expect([standing.waits_on, toWords(told.next)]).toEqual([waitsOn, next]);
  });

  const claimed = [...(states["at the backup"] ?? []), ...end("DOCUMENT_CLAIMED_BY_RUN", replay(states["at the backup"] ?? []))];
  it.each([
    ["unfinished", "cutter orchestrate explain --run-id run-0"],
    ["ended", enable],
    ["not of this host", enable],
  ] as const)("that another run keeps away, which is %s, says %s", (claimant, next) => {
    expect(toWords(look(claimed, { claimant }).told.next)).toEqual([next]);
  });

  const interrupted = [...(states["leg A there"] ?? []), ...end("RUN_INTERRUPTED", replay(states["leg A there"] ?? []))];
  it.each<[string, Partial<HostView>, string]>([
    ["the latch is set", { execution: { state: "disabled" } }, "runbooks/disable --clear"],
    [
      "it is enabled",
      { execution: { state: "armed", runId: "run-1", until: "2026-11-22T11:00:00Z" } },
      "runbooks/start-run --run-id run-1",
    ],
    ["another run is enabled", { execution: { state: "armed", runId: "run-0", until: null } }, "cutter orchestrate explain --run-id run-0"],
    ["its token was left over", { execution: { state: "live", runId: "run-1", until: null } }, "runbooks/disable"],
    ["another run is live", { execution: { state: "live", runId: "run-0", until: null } }, "cutter orchestrate explain --run-id run-0"],
    ["it is going on", { unit: { state: "going_on", seen: "cutter-run@run-1.service activating" } }, "runbooks/start-run --run-id run-1"],
  ])("that was interrupted, while %s, says what works now", (_name, view, next) => {
    expect(toWords(look(interrupted, view).told.next)).toEqual([next]);
  });

  it("that was reverted has nothing more to do", () => {
    const { told } = look(interrupted, {}, { ...reverted, verifiedAt: reverted.revertedAt });
    expect([told.next, told.why]).toEqual([null, "it was reverted at 2026-11-22T12:00:00.000Z"]);
  });

  it.each<[string, Partial<RevertAccount>, readonly string[]]>([
    ["nobody has seen it yet", {}, ["runbooks/emergency-revert --run-id run-1 --approval approvals/run-1/run-1.REVERT.md"]],
    [
      "it stopped",
      { state: "stopped", revertedAt: null, code: "DATABASE_UNREACHABLE" },
      ["runbooks/emergency-revert --run-id run-1 --approval approvals/run-1/run-1.REVERT.md"],
    ],
    [
      "its document is not told",
      { verifiedAt: "2026-11-22T12:00:01.000Z", complete: false },
      ["runbooks/emergency-revert --run-id run-1 --approval approvals/run-1/run-1.REVERT.md"],
    ],
    ["rows are somebody's work", { state: "stopped", revertedAt: null, code: "REVERT_UNIT_MOVED_SINCE", complete: false }, []],
    [
      "its approval is spent",
      { state: "stopped", revertedAt: null, code: "APPROVAL_SPENT" },
      [
        "runbooks/draft --run-id run-1 --gate REVERT",
        "runbooks/emergency-revert --run-id run-1 --approval approvals/run-1/run-1.REVERT.md",
      ],
    ],
  ])("whose revert began, and %s, is reverted again: it repeats nothing", (_name, account, next) => {
    expect(toWords(look(interrupted, {}, { ...reverted, ...account }).told.next)).toEqual(next);
  });

  it("speaks of its last start when that was killed, and of the one before as of the one before", () => {
    const { told } = look([...interrupted, { kind: "attempt_started", attempt: 2, pid: 2, boot_id: "b" }], {
      result: { code: "RUN_KILLED", exit_kind: "killed", exit_raw: "KILL", service_result: "signal" },
    });
    expect(told.certain.slice(-2)).toEqual([
      expect.stringMatching(/^the start before its last ended with RUN_INTERRUPTED /),
      "its last start, number 2, was cut off: it left no end in the journal; systemd says: killed KILL, signal",
    ]);
    expect(told.uncertain).toEqual([]);
  });

  it("speaks of a start that was refused before it could write in the journal", () => {
    const { told } = look(interrupted, {
      result: { code: "ENV_NAME_MISSING", exit_kind: "not-started", exit_raw: "78", service_result: "dependency" },
    });
    expect(told.certain.slice(-2)).toEqual([
      expect.stringMatching(/^the last start that its journal knows ended with RUN_INTERRUPTED /),
      expect.stringMatching(/^its last start ended with ENV_NAME_MISSING /),
    ]);
    expect([toWords(told.next), told.who]).toEqual([[enable], "the operator, after the remedy above"]);
  });

  it("that was cut off names the transaction nobody knows about, and where nobody can be asked, whether it still goes on", () => {
    const { told, standing } = look(states["leg A pending"] ?? [], { unit: { state: "unknown" } });
    expect(standing.state).toBe("begun");
    expect(told.uncertain).toEqual([
      expect.stringContaining("whether transaction 902 of cut_leg_a was committed"),
      expect.stringContaining("cutter-run@run-1 could not be asked"),
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
    expect([told.next, told.why]).toEqual([null, expect.stringContaining("it was given up")]);
  });
});
