// A phase of a live run: its decision row, then read, or made as a file, or done as rows exactly once and read back.
import { z } from "zod";
import { toUnaccepted } from "../../core/approval/schema.ts";
import { sha256OfJson } from "../../core/encoding/digest.ts";
import { isWriteStep, type WriteStep } from "../../core/journal/effect.ts";
import { CutterError } from "../../core/errors.ts";
import { toRecordedRefusal, toRefusals } from "../../core/run/verdict.ts";
import type { RecordedRefusal } from "../../core/journal/record.ts";
import type { RowEffect, ObservedPhase, Phase, PhaseResult } from "../../phases/define.ts";
import { permitStep, requireEnabled } from "./permission.ts";
import { type Attempt, type PhaseOutcome, requireLiveContext } from "../kernel/attempt.ts";
import { toHistory, toLivePorts, toReadPorts } from "../kernel/phase-ports.ts";
import { advanceBatchEntry } from "./batch.ts";
import { recordDecisionBefore } from "./record-decision.ts";
import { requireRulingNames } from "./start.ts";
import { applyEffectOnce } from "./apply-once.ts";
import type { PhaseName } from "../../core/phase-names.ts";

/**
 * @throws EXECUTION_REVOKED, the gate's first refusal, APPROVAL_*, STOP_REPLAY_CONFLICT, COMMIT_UNKNOWN, PAYLOAD_CHANGED, and what the
 * phase throws
 */
export async function performLive(attempt: Attempt, phase: Phase): Promise<PhaseOutcome> {
  await requireEnabled(attempt, phase.name);
  const decision = attempt.run.decisions.find(({ before }) => before === phase.name);
  if (decision !== undefined) await recordDecisionBefore(attempt, decision);
  const performed =
    phase.live !== null
      ? await applyRows(attempt, phase, phase.live)
      : phase.kind === "write"
        ? await applyFile(attempt, phase)
        : await observeOnly(attempt, phase);
  requireApproved(attempt, phase.name, performed.result);
  if (phase.name === "lifecycle_enact") await advanceBatchEntry(attempt, "SG_2", "enacted");
  return performed;
}

async function observeOnly(attempt: Attempt, phase: Phase): Promise<PhaseOutcome> {
  const observed = await observe(attempt, phase);
  return { result: observed.phase.rehearse(), refusals: observed.refusals };
}

async function applyRows(attempt: Attempt, phase: Phase, live: RowEffect): Promise<PhaseOutcome> {
  const { run, outputs } = attempt;
  let refusals: readonly RecordedRefusal[] = [];
  await applyEffectOnce(attempt, {
    step: toStep(phase),
    expectedSha256: live.expectedSha256(run.facts, toHistory(attempt), outputs),
    probe: () => live.probe(toReadPorts(attempt), outputs),
    prepare: async () => {
      const observed = await observe(attempt, phase);
      const { apply } = observed.phase;
      if (apply === null) throw new Error(`${phase.name} has nothing to apply`);
      refusals = observed.refusals;
      return async (permission) => void (await apply(toLivePorts(attempt), permission));
    },
  });
  return { result: await live.conclude(toReadPorts(attempt), outputs), refusals };
}

/** A file is not recognised afterwards but made again: until the phase is done, nothing relies on it. */
async function applyFile(attempt: Attempt, phase: Phase): Promise<PhaseOutcome> {
  const { journal, checkpoints } = attempt;
  const step = toStep(phase);
  const observed = await observe(attempt, phase);
  const { apply } = observed.phase;
  if (apply === null) throw new Error(`${phase.name} has nothing to apply`);
  await journal.append({ kind: "effect_intended", step, effect_sha256: null });
  checkpoints.passBoundary("effect_intended", step);
  const permission = await permitStep(attempt, step);
  checkpoints.passBoundary("permission_made", step);
  const result = await apply(toLivePorts(attempt), permission);
  if (result === null) throw new Error(`${phase.name} told nothing of its file`);
  checkpoints.passBoundary("effect_applied", step);
  await journal.append({ kind: "effect_done", step, effect_sha256: sha256OfJson(result.output), found: "committed" });
  checkpoints.passBoundary("effect_recorded", step);
  return { result, refusals: observed.refusals };
}

/** Looks and judges; what is not opened stops here, before anything is intended. */
async function observe(
  attempt: Attempt,
  phase: Phase,
): Promise<{ readonly phase: ObservedPhase; readonly refusals: readonly RecordedRefusal[] }> {
  const observed = await phase.observe(toReadPorts(attempt), attempt.outputs);
  attempt.checkpoints.pass("observed", phase.name);
  const ruling = requireLiveContext(attempt).ruling.approval;
  const accepts = ruling.gate === "RULING" ? ruling.accepts : [];
  const refusals = toRefusals(observed.verdict);
  const unaccepted = toUnaccepted(
    refusals.map(({ code }) => code),
    accepts,
  );
  const stop = refusals.find(({ code }) => unaccepted.includes(code));
  if (stop !== undefined) throw new CutterError(stop.code, stop.facts);
  for (const { code } of refusals)
    attempt.ports.reporter.report({ kind: "warning", code, text: `put up with: the ruling accepts ${code} by name` });
  return { phase: observed, refusals: refusals.map(toRecordedRefusal) };
}

const sourcePinOutput = z.looseObject({ sha256: z.string() });
const cutplanOutput = z.looseObject({ payloadSha: z.string() });

/** What phases 1 and 3 found must be what was signed; judged before it is on record, so that putting things back is enough. */
export function requireApproved(attempt: Attempt, phase: PhaseName, { output }: Pick<PhaseResult, "output">): void {
  if (phase === "source_pin") requireRulingNames(attempt, { documentSha256: sourcePinOutput.parse(output).sha256 });
  if (phase !== "cutplan") return;
  const { payloadSha } = cutplanOutput.parse(output);
  const approved = requireLiveContext(attempt).token.payloadSha;
  if (payloadSha !== approved) throw new CutterError("PAYLOAD_CHANGED", { approved_sha: approved, computed_sha: payloadSha });
}

function toStep(phase: Phase): WriteStep {
  if (!isWriteStep(phase.name)) throw new Error(`${phase.name} writes but is no step of the journal`);
  return phase.name;
}
