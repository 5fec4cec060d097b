// What one start of a run came to: written beside the journal, printed, and turned into the exit code.
import { z } from "zod";
import type { DonePhase, RunStatus } from "../../core/journal/status.ts";
import type { RecordedRefusal } from "../../core/journal/record.ts";
import { codes } from "../../core/codes/index.ts";
import { toLastExit, toWaitsOn } from "../../core/run/escalation.ts";
import type { PhaseOutputs } from "../../phases/define.ts";
import type { RunFacts } from "../../ports/run-ports.ts";
import type { PhaseName } from "../../core/phase-names.ts";
import type { RunOutcome } from "../../core/run/outcome.ts";

const payload = z.looseObject({ payloadSha: z.string() });
const certified = z.looseObject({
  certificate: z.looseObject({ verdict: z.enum(["pass", "inconclusive", "fail"]), reasons: z.array(z.string()).default([]) }),
});

/** The certificate's verdict in the last phase's output; a list of phases that makes none proves nothing. */
export function toCertificateVerdict(output: unknown): "pass" | "inconclusive" | "fail" {
  const found = certified.safeParse(output);
  return found.success ? found.data.certificate.verdict : "inconclusive";
}

/** Why the certificate is not pass, as it says itself; none where it cannot be read. Pure. */
export function toCertificateReasons(output: unknown): readonly string[] {
  const found = certified.safeParse(output);
  return found.success ? found.data.certificate.reasons : [];
}

export interface OutcomeParts {
  readonly run: Pick<RunFacts, "runId" | "documentId" | "mode">;
  readonly status: RunStatus;
  readonly outputs: PhaseOutputs;
  readonly folder: string;
  readonly replay: boolean;
  readonly next: PhaseName | null; // the phase it stands before, or waits in
}

/** The outcome as the journal tells it, whether just now or years later. Pure. */
export function toOutcome(parts: OutcomeParts): RunOutcome {
  const { run, status } = parts;
  const end = status.lastEnd;
  const cutplan = payload.safeParse(parts.outputs.get("cutplan"));
  const finished = status.finished;
  return {
    schema: "cutter.orchestrate-run/1",
    run_id: run.runId,
    document_id: run.documentId,
    mode: run.mode,
    result: finished !== null ? "done" : status.voided !== null ? "voided" : end?.why === "waiting" ? "waiting" : "stopped",
    exit_code: finished?.exit_code ?? (status.voided !== null ? codes.RUN_VOIDED.exit : toLastExit(status)),
    code:
      finished !== null
        ? finished.certificate === "fail"
          ? "DRY_RUN_WROTE"
          : null
        : status.voided !== null
          ? "RUN_VOIDED"
          : (end?.code ?? null),
    facts: finished !== null ? {} : status.voided !== null ? { why: status.voided.why } : (end?.facts ?? {}),
    phase: finished !== null || status.voided !== null ? null : parts.next,
    waits_on: toWaitsOn(status, parts.next),
    phases_done: status.done.filter((phase) => phase.receipt !== null).length,
    certificate: finished?.certificate ?? null,
    payload_sha: cutplan.success ? cutplan.data.payloadSha : null,
    would_refuse: status.done.flatMap(toPhaseRefusals),
    replay: parts.replay,
    folder: parts.folder,
  };
}

function toPhaseRefusals(done: DonePhase): readonly (RecordedRefusal & { readonly phase: PhaseName })[] {
  return done.wouldRefuse.map((refusal) => ({ phase: done.phase, code: refusal.code, facts: refusal.facts }));
}
