// One phase from its beginning to its record: observed and rehearsed in a dry run, done exactly once in a live one.
import { toRecordedRefusal, toRefusals } from "../core/run/verdict.ts";
import type { RecordedRefusal } from "../core/journal/record.ts";
import { rehearseDecision } from "../phases/decisions.ts";
import type { Phase, PhaseResult } from "../phases/define.ts";
import type { Attempt, PhaseOutcome } from "./kernel/attempt.ts";
import { performLive } from "./live/perform.ts";
import { toReadPorts } from "./kernel/phase-ports.ts";

/** Leaves output, files and the record of the phase. @throws what the phase throws, RUN_INTERRUPTED, RUN_HARD_CAP_REACHED */
export async function performPhase(attempt: Attempt, phase: Phase, number: number): Promise<PhaseResult> {
  const { run, ports, journal, folder, checkpoints, outputs } = attempt;
  checkpoints.pass("before_phase", phase.name);
  const startedMs = ports.clock.monotonicMs();
  await journal.append({ kind: "phase_started", phase: phase.name, number });
  ports.reporter.report({ kind: "phase_started", phase: phase.name, number });
  checkpoints.pass("intent_recorded", phase.name);
  const { result, refusals } = run.facts.mode === "live" ? await performLive(attempt, phase) : await rehearse(attempt, phase);
  const outputSha256 = await folder.writeOutput(number, phase.name, result.output);
  for (const file of result.files) await folder.write(file.name, file.content);
  checkpoints.pass("output_written", phase.name);
  const durationMs = Math.round(ports.clock.monotonicMs() - startedMs);
  await journal.append({
    kind: "phase_done",
    phase: phase.name,
    number,
    output_sha256: outputSha256,
    would_refuse: [...refusals],
    duration_ms: durationMs,
  });
  outputs.set(phase.name, result.output);
  ports.reporter.report({
    kind: "phase_done",
    phase: phase.name,
    number,
    durationMs,
    summary: result.text.summary,
    wouldRefuse: refusals.map((refusal) => refusal.code),
  });
  if (durationMs > run.facts.config.phase_soft_cap_minutes * 60_000) {
    ports.reporter.report({
      kind: "warning",
      code: "PHASE_SOFT_CAP_PASSED",
      text: `${phase.name} took ${String(Math.round(durationMs / 1000))} s`,
    });
  }
  checkpoints.pass("done_recorded", phase.name);
  return result;
}

async function rehearse(attempt: Attempt, phase: Phase): Promise<PhaseOutcome> {
  const decided = await rehearseRow(attempt, phase);
  const observed = await phase.observe(toReadPorts(attempt), attempt.outputs);
  attempt.checkpoints.pass("observed", phase.name);
  return { result: observed.rehearse(), refusals: [...decided, ...toRefusals(observed.verdict).map(toRecordedRefusal)] };
}

/** The review_decision row before the phase it allows: rehearsed and journalled, never inserted. */
async function rehearseRow({ run, journal, outputs }: Attempt, phase: Phase): Promise<readonly RecordedRefusal[]> {
  const step = run.decisions.find((decision) => decision.before === phase.name);
  if (step === undefined) return [];
  const rehearsed = rehearseDecision(step, run.facts, outputs);
  await journal.append({
    kind: "decision_rehearsed",
    gate: step.gate,
    phase: phase.name,
    row: { ...rehearsed.row },
    would_refuse: [...rehearsed.wouldRefuse],
  });
  return rehearsed.wouldRefuse;
}
