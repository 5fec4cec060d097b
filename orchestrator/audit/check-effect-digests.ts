// Each effect's digest computed again, from the plan, the outputs and the approvals that stood then: what the journal says was written is
// what was approved.
import { z } from "zod";
import { toStatus } from "../core/journal/status.ts";
import { recordsOf } from "../core/journal/record.ts";
import { toHistoryOf } from "../engine/kernel/phase-ports.ts";
import type { Phase } from "../phases/define.ts";
import { toDecisionSha256 } from "../phases/decision-row.ts";
import { auditFinding, type AuditFinding } from "./finding.ts";
import { journalName, type AuditedJournal } from "./read-journal.ts";
import { phaseOfGate } from "../core/phase-names.ts";
import type { PhaseName } from "../core/phase-names.ts";

const pinned = z.looseObject({ registry: z.looseObject({ sourceDocumentId: z.string() }) });

/** `outputs` are those whose digests hold. A step whose inputs are missing is not judged here: their absence is a finding of its own. */
export function checkEffectDigests(
  { records, status }: AuditedJournal,
  phases: readonly Phase[],
  outputs: ReadonlyMap<PhaseName, unknown>,
): readonly AuditFinding[] {
  const { started } = status;
  if (started === null) return [];
  return recordsOf(records, "effect_done").flatMap(({ seq, entry }) => {
    const expected = toExpected(seq, entry.step);
    return expected === null || expected === entry.effect_sha256
      ? []
      : [
          auditFinding("effect_differs", "another digest than plan and approvals lead to", {
            file: journalName,
            record: seq,
            facts: { step: entry.step, expected_sha256: expected, found_sha256: entry.effect_sha256 },
          }),
        ];
  });

  function toExpected(seq: number, step: string): string | null {
    const then = toStatus(records.slice(0, seq));
    const pin = pinned.safeParse(outputs.get("source_pin"));
    if (step === "SG_1" || step === "SG_2") {
      const decided = then.decided[step];
      if (decided === undefined || !pin.success) return null;
      return toDecisionSha256({
        id: decided.review_decision_id,
        sourceDocumentId: pin.data.registry.sourceDocumentId,
        phase: phaseOfGate[step],
        gate: step,
        runId: started?.run_id ?? "",
        decision: "approve",
        payloadSha: decided.payload_sha,
        approvalKbId: decided.kb_id,
        approvalSha256: decided.document_sha256,
      });
    }
    const phase = phases.find(({ name }) => name === step);
    const live = phase?.live ?? null;
    if (live === null || started === null || then.before === null) return null;
    try {
      return live.expectedSha256({ runId: started.run_id, documentId: started.document_id }, toHistoryOf(then), outputs);
    } catch {
      return null; // an output or an approval it is made of is not there, or not readable: told elsewhere
    }
  }
}
