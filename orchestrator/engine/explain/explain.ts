// What a person needs to know of a run that stands still: what is certain, what is not, the one safe next command, and who must act. Told
// from the journal alone. Pure.
import { isCode } from "../../core/codes/index.ts";
import { effectSteps } from "../../core/journal/effect.ts";
import { toErrorLine } from "../../core/errors.ts";
import { hasWritten } from "../../core/journal/live.ts";
import type { RunStatus } from "../../core/journal/status.ts";
import { toNextStep, type NextStep } from "./next-step.ts";
import type { RecordedRun, RunSummary } from "../records/read-run.ts";

export interface Explanation extends NextStep {
  readonly certain: readonly string[];
  readonly uncertain: readonly string[];
}

/** `requested`: there is a request file, so its unit starts it again; a run named by options is started by the same options. Pure. */
export function explain(run: Pick<RecordedRun, "runId" | "status">, summary: RunSummary, requested: boolean): Explanation {
  const { status } = run;
  const live = status.started?.mode === "live";
  const certain = [
    ...(status.started === null
      ? ["this run never began"]
      : [`${status.started.mode} run of ${status.started.document_id}, begun ${status.started.at}, ${String(status.attempt)} starts`]),
    ...(status.started?.mode === "dryrun" ? ["it is a dry run: it has no way to write to the database"] : []),
    ...status.done.map(
      (done) => `phase ${String(done.number)} ${done.phase} is done${done.receipt === null ? ", its document not yet receipted" : ""}`,
    ),
    ...(live ? toEffects(status) : []),
    ...toEscalation(status),
    ...(status.finished === null
      ? []
      : [status.finished.certificate === null ? "it is finished" : `it is finished: certificate ${status.finished.certificate}`]),
    ...(status.voided === null ? [] : [`it was given up at ${status.voided.at}: ${status.voided.why}`]),
    ...(status.lastEnd?.code === null || status.lastEnd === null
      ? []
      : [`its last start ended with ${toStop(status.lastEnd.code, status.lastEnd.facts)}`]),
  ];
  return { certain, uncertain: toUncertain(run, summary), ...toNextStep(run, summary, requested) };
}

/** A transaction's id is durable before its COMMIT is sent: without an id nothing can have landed. */
function toEffects(status: RunStatus): readonly string[] {
  const lines = effectSteps.flatMap((step) => {
    const { state, found, pending, transactions } = status.effects[step];
    if (state === "none") return [];
    if (state === "done")
      return [
        `${step} stands in the ` +
          `database${found === "already_there" ? " (taken as done after a crash or a lost answer, not repeated)" : ""}: ` +
          `transaction ${transactions.at(-1) ?? "unknown"}`,
      ];
    return pending ? [] : [`${step} was intended, and nothing of it was committed`];
  });
  return hasWritten(status) ? lines : [...lines, "nothing of this run stands in the database"];
}

function toEscalation({ escalation }: RunStatus): readonly string[] {
  if (escalation === null) return [];
  const raised =
    escalation.code === "VOID_CLAIM_STANDS"
      ? `a signed void came at ${escalation.at}, while this run held its claim on the document`
      : `${escalation.phase} failed with ${escalation.code} at ${escalation.at}, after something was written`;
  return [
    escalation.decision === null
      ? `${raised}: SG_3 is raised and not decided`
      : `${raised}; SG_3 was decided: ${escalation.decision.decision} (${escalation.decision.review_decision_id})`,
  ];
}

function toUncertain({ runId, status }: Pick<RecordedRun, "runId" | "status">, summary: RunSummary): readonly string[] {
  const pending = effectSteps.flatMap((step) => {
    const { state, pending: open, transactions } = status.effects[step];
    return state === "intended" && open
      ? [
          `whether transaction ${transactions.at(-1) ?? "?"} of ${step} was committed: the next start asks the database, under the ` +
            "document's lock, before it does anything",
        ]
      : [];
  });
  return [
    ...pending,
    ...(summary.state === "begun" ? [`whether it is still going on: systemctl is-active cutter-run@${runId}`] : []),
    ...(summary.waits_on === "knowledge_base"
      ? ["whether the knowledge base stored the last document: the next start reads before it writes"]
      : []),
  ];
}

function toStop(code: string, facts: Parameters<typeof toErrorLine>[1]): string {
  return isCode(code) ? toErrorLine(code, facts) : code;
}
