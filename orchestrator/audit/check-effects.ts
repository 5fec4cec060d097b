// What was written: each step with an approval and a ruling before it, intended before it was done, with a transaction where it was
// committed.
import { effectSteps } from "../core/journal/effect.ts";
import { recordsOf } from "../core/journal/record.ts";
import { auditFinding, type AuditFinding } from "./finding.ts";
import { journalName, type AuditedJournal } from "./read-journal.ts";

const gateOfStep = {
  SG_1: "SG_1",
  cut_leg_a: "SG_1",
  leg_b_record: "SG_1",
  write_verify: "SG_1",
  SG_2: "SG_2",
  lifecycle_enact: "SG_2",
} as const;

export function checkEffects({ records, status }: AuditedJournal): readonly AuditFinding[] {
  const approvals = recordsOf(records, "approval_verified");
  const starts = recordsOf(records, "attempt_started");
  const transactions = recordsOf(records, "transaction");
  const findings: AuditFinding[] = [];
  for (const use of [...recordsOf(records, "effect_intended"), ...transactions]) {
    const step = effectSteps.find((candidate) => candidate === use.entry.step);
    const location = { file: journalName, record: use.seq, facts: { step: use.entry.step } };
    if (status.started?.mode !== "live") findings.push(auditFinding("effect_unauthorised", "a dry run writes nothing", location));
    if (step === undefined) continue; // a file, or the row that gives a run up
    const startedAt = starts.findLast((start) => start.seq < use.seq)?.seq ?? -1;
    const ruled = approvals.some(({ seq, entry }) => entry.gate === "RULING" && seq > startedAt && seq < use.seq);
    const approved = approvals.some(({ seq, entry }) => entry.gate === gateOfStep[step] && seq < use.seq);
    if (!ruled) findings.push(auditFinding("effect_unauthorised", "no ruling was verified in this start", location));
    if (!approved) findings.push(auditFinding("effect_unauthorised", `no ${gateOfStep[step]} was verified before`, location));
  }
  for (const done of recordsOf(records, "effect_done")) {
    const { step, found, effect_sha256 } = done.entry;
    if (effectSteps.every((candidate) => candidate !== step)) continue;
    const location = { file: journalName, record: done.seq, facts: { step } };
    const intended = recordsOf(records, "effect_intended").findLast((intent) => intent.seq < done.seq && intent.entry.step === step);
    if (intended?.entry.effect_sha256 !== effect_sha256)
      findings.push(auditFinding("effect_differs", "done is not what was intended", location));
    if (found === "committed" && !transactions.some((use) => use.seq < done.seq && use.entry.step === step))
      findings.push(auditFinding("effect_differs", "committed, and no transaction is recorded", location));
  }
  if (status.finished !== null && status.started?.mode === "live") {
    for (const step of effectSteps)
      if (status.effects[step].state !== "done")
        findings.push(auditFinding("effect_differs", "the run was finished without it", { file: journalName, facts: { step } }));
  }
  return findings;
}
