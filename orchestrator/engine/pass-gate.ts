// The gate after each phase: its document in the run's folder and in the knowledge base, read back, then on record.
import { toPhaseStem } from "../core/knowledge-base/phase-document-id.ts";
import { isWriteStep } from "../core/journal/effect.ts";
import { uploadPhaseDocument } from "../uploads/upload-phase-document.ts";
import type { Phase, PhaseResult } from "../phases/define.ts";
import type { Attempt } from "./kernel/attempt.ts";
import { toPhaseDocument } from "./records/phase-document.ts";

/**
 * Never repeats the phase. May be called again: the same document gives its receipt.
 * @throws KB_*, RUN_INTERRUPTED, RUN_HARD_CAP_REACHED
 */
export async function passPhaseGate(attempt: Attempt, phase: Phase, result: PhaseResult): Promise<void> {
  const { run, ports, journal, folder, checkpoints } = attempt;
  const status = journal.status();
  const done = status.done.find((candidate) => candidate.phase === phase.name);
  if (done === undefined) throw new Error(`${phase.name} is not done`);
  const decision = status.decisions.find((candidate) => candidate.phase === phase.name) ?? null;
  const gate = run.facts.mode === "live" ? run.decisions.find(({ before }) => before === phase.name)?.gate : undefined;
  const live = {
    decided: gate === undefined ? null : (status.decided[gate] ?? null),
    effects: [gate, phase.name].flatMap((step) =>
      step !== undefined && run.facts.mode === "live" && isWriteStep(step) ? [{ step, ...status.effects[step] }] : [],
    ),
  };
  const document = toPhaseDocument({ run: run.facts, done, text: result.text, decision, live, witness: journal.witness(done.seq) });
  await folder.write(`documents/${toPhaseStem(done.number, phase.name)}.md`, document.body);
  const waitAtMostMs = Math.min(run.facts.config.phase_soft_cap_minutes * 60_000, checkpoints.remainingMs());
  const receipt = await uploadPhaseDocument({
    phase: phase.name,
    document,
    knowledgeBase: ports.knowledgeBase,
    clock: ports.clock,
    reporter: ports.reporter,
    waitAtMostMs,
    signal: run.signal,
  });
  checkpoints.pass("uploaded", phase.name);
  await journal.append({ kind: "receipt", phase: phase.name, document_id: receipt.id, revision: receipt.revision, sha256: receipt.sha256 });
  ports.reporter.report({ kind: "gate_passed", phase: phase.name, documentId: receipt.id, revision: receipt.revision });
  checkpoints.pass("receipt_recorded", phase.name);
}
