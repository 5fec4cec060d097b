// SG_1 and SG_2: the two review_decision rows, each a journalled step of its own just before the phase it allows.
import { z } from "zod";
import type { RecordedRefusal } from "../core/journal/record.ts";
import { refuseIf, toRecordedRefusal, toRefusals, toVerdict } from "../core/run/verdict.ts";
import type { DecidedApproval, RunFacts, RunHistory } from "../ports/run-ports.ts";
import type { PhaseOutputs } from "./define.ts";
import { type PhaseName, phaseOfGate } from "../core/phase-names.ts";

export interface DecisionStep {
  readonly gate: "SG_1" | "SG_2";
  readonly before: PhaseName;
}

/** Both, in the order of the run. */
export const decisionSteps: readonly DecisionStep[] = [
  { gate: "SG_1", before: phaseOfGate.SG_1 },
  { gate: "SG_2", before: phaseOfGate.SG_2 },
];

export interface RehearsedDecision {
  readonly row: Readonly<Record<string, string | null>>;
  readonly wouldRefuse: readonly RecordedRefusal[];
}

const planned = z.looseObject({ payloadSha: z.string() });
const pinned = z.looseObject({ registry: z.looseObject({ sourceDocumentId: z.string() }) });

/** The row a live run would insert; the sovereign issues its id, so a dry run has none. Pure. */
export function rehearseDecision(step: DecisionStep, run: RunFacts, outputs: PhaseOutputs): RehearsedDecision {
  const plan = planned.safeParse(outputs.get("cutplan"));
  const pin = pinned.safeParse(outputs.get("source_pin"));
  const approval = run.approvals[step.gate] ?? null;
  const verdict = toVerdict(
    refuseIf(approval === null, "APPROVAL_MISSING", { gate: step.gate, phase: step.before }),
    refuseIf(run.config.governance_principal === null, "PRINCIPAL_NOT_PINNED", { step: step.gate }),
  );
  return {
    row: {
      table: "cutter_governance.review_decision",
      id: null,
      source_document_id: pin.success ? pin.data.registry.sourceDocumentId : null,
      phase: step.before,
      gate: step.gate,
      run_id: run.runId,
      decision: "approve",
      payload_sha: plan.success ? plan.data.payloadSha : null,
      approval_kb_id: approval,
      approval_sha256: null,
      principal: run.config.governance_principal,
    },
    wouldRefuse: toRefusals(verdict).map(toRecordedRefusal),
  };
}

export function requireDecision(history: RunHistory, gate: "SG_1" | "SG_2"): DecidedApproval {
  const decided = history.decided[gate];
  if (decided === undefined) throw new Error(`${gate} is not decided`);
  return decided;
}
