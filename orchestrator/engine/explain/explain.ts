// What a person needs to know of a run that stands still: what is certain, what is not, the one safe next step, and who must act. Told
// from the journal, and from what the host says of itself now. Pure.
import { isCode } from "../../core/codes/index.ts";
import { effectSteps } from "../../core/journal/effect.ts";
import { toErrorLine } from "../../core/errors.ts";
import { hasWritten } from "../../core/journal/live.ts";
import type { RunStatus } from "../../core/journal/status.ts";
import type { NextStep } from "../../core/run/next-step.ts";
import type { HostView, LastStop } from "./host-view.ts";
import { toNextStep } from "./next-step.ts";
import { toRevertedEffects, toRevertLines, toRevertUncertain } from "./reverted.ts";
import type { RecordedRun, RunSummary } from "../records/read-run.ts";

export interface Explanation extends NextStep {
  readonly certain: readonly string[];
  readonly uncertain: readonly string[];
}

/** Pure. */
export function explain(run: Pick<RecordedRun, "runId" | "status">, summary: RunSummary, view: HostView): Explanation {
  const { runId, status } = run;
  const live = status.started?.mode === "live";
  const { revert } = summary;
  const reverted = revert?.state === "reverted";
  const certain = [
    ...(status.started === null
      ? toUnbegun(view)
      : [`${status.started.mode} run of ${status.started.document_id}, begun ${status.started.at}, ${toStarts(status.attempt)}`]),
    ...(status.started?.mode === "dryrun" ? ["it is a dry run: it has no way to write to the database"] : []),
    ...status.done.map(
      (done) => `phase ${String(done.number)} ${done.phase} is done${done.receipt === null ? ", its document not yet receipted" : ""}`,
    ),
    ...(reverted ? toRevertedEffects(status) : live ? toEffects(status) : []),
    ...toEscalation(status),
    ...(status.finished === null
      ? []
      : [status.finished.certificate === null ? "it is finished" : `it is finished: certificate ${status.finished.certificate}`]),
    ...(status.voided === null ? [] : [`it was given up at ${status.voided.at}: ${status.voided.why}`]),
    ...toSwitch(runId, view),
    ...toLastStart(status, view),
    ...(revert === null ? [] : toRevertLines(revert)),
  ];
  const last = toLastStop(status, view);
  const uncertain = [...(reverted ? [] : toUncertain(run, summary, view)), ...(revert === null ? [] : toRevertUncertain(revert))];
  return { certain, uncertain, ...toNextStep({ runId, status, summary, view, last }) };
}

/** A start of a unit that left no end in the journal, or none at all, is told by its result; the journal tells all others. */
export function toLastStop({ lastEnd, attemptOpen }: Pick<RunStatus, "lastEnd" | "attemptOpen">, { result }: HostView): LastStop {
  if (result !== null && result.code !== null && result.code !== lastEnd?.code)
    return { code: result.code === "RUN_KILLED" ? null : result.code, facts: {} };
  if (attemptOpen || lastEnd === null) return { code: null, facts: {} };
  return { code: lastEnd.code, facts: lastEnd.facts };
}

const toStarts = (count: number): string => `${String(count)} ${count === 1 ? "start" : "starts"}`;

function toUnbegun({ request, result, execution }: HostView): readonly string[] {
  const mode = request === null ? "" : ` It is a ${request.mode} run of ${request.documentId}.`;
  if (result !== null) return [`this run never began: its last start ended before its journal had a line.${mode}`];
  return [`this run never began${execution.state === "off" ? ", and nothing is enabled" : ""}.${mode}`];
}

function toSwitch(runId: string, { execution, unit }: HostView): readonly string[] {
  if (execution.state === "disabled") return ["execution is disabled by the latch"];
  if (execution.state === "armed" && execution.runId === runId) return [`it is enabled until ${execution.until ?? "an unknown time"}`];
  return execution.state === "live" && execution.runId === runId && unit.state !== "going_on"
    ? ["its token is still there, though no start of it is going on"]
    : [];
}

/** The last start, and only that: what an earlier one said is told as that of an earlier one. */
function toLastStart(status: RunStatus, view: HostView): readonly string[] {
  const { lastEnd, attempt, attemptOpen } = status;
  const { result, unit } = view;
  if (unit.state === "going_on") return [`systemd says of its unit: ${unit.seen}, so it is going on`];
  const said = lastEnd === null || lastEnd.code === null ? null : toStop(lastEnd.code, lastEnd.facts);
  const systemd = toSystemd(view);
  if (attemptOpen && status.finished === null && unit.state === "ended")
    return [
      ...(said === null ? [] : [`the start before its last ended with ${said}`]),
      `its last start, number ${String(attempt)}, was cut off: it left no end in the journal${systemd}`,
    ];
  if (result !== null && result.code !== null && result.code !== lastEnd?.code)
    return [
      ...(said === null ? [] : [`the last start that its journal knows ended with ${said}`]),
      result.code === "RUN_KILLED"
        ? `its last start was killed before its journal had a line of it${systemd}`
        : `its last start ended with ${toStop(result.code, {})}`,
    ];
  return said === null || attemptOpen ? [] : [`its last start ended with ${said}`];
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

function toUncertain({ runId, status }: Pick<RecordedRun, "runId" | "status">, summary: RunSummary, view: HostView): readonly string[] {
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
    ...(summary.state === "begun" && view.unit.state === "unknown"
      ? [`whether it is still going on: cutter-run@${runId} could not be asked, or the run was started by hand`]
      : []),
    ...(summary.waits_on === "knowledge_base"
      ? ["whether the knowledge base stored the last document: the next start reads before it writes"]
      : []),
    ...(view.execution.state === "unknown" ? ["whether anything is enabled: the kill switch cannot be read"] : []),
  ];
}

/** Where nobody lived to be told how the process ended, systemd's words are not known. */
function toSystemd({ result }: HostView): string {
  if (result === null || result.exit_raw === "unknown") return "";
  return `; systemd says: ${result.exit_kind} ${result.exit_raw}, ${result.service_result}`;
}

function toStop(code: string, facts: Parameters<typeof toErrorLine>[1]): string {
  return isCode(code) ? toErrorLine(code, facts) : code;
}
