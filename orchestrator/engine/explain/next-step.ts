// The one safe next command for a run that stands still, and who must act first. One table, read from top to bottom. Pure.
import { toExitCode } from "../../core/codes/index.ts";
import { hasWritten } from "../../core/journal/live.ts";
import type { RecordedRun, RunSummary } from "../records/read-run.ts";

export interface NextStep {
  readonly next: string;
  readonly who: string;
}

/** `requested`: its unit starts it again. Pure. */
export function toNextStep(run: Pick<RecordedRun, "runId" | "status">, summary: RunSummary, requested: boolean): NextStep {
  const { runId, status } = run;
  if (summary.state === "done") return { next: `cutter orchestrate report --run-id ${runId}`, who: "nobody" };
  if (summary.state === "voided")
    return {
      next: `runbooks/prepare --run-id NEW --document ${summary.document_id ?? "D"}`,
      who: "the operator, if the document is to be cut after all",
    };
  if (status.started?.mode === "live") return toLiveStep(run, summary);
  const again = requested
    ? `systemctl start cutter-run@${runId}`
    : `cutter orchestrate run --run-id ${runId} --document ${summary.document_id ?? "D"}`;
  if (summary.state === "waiting") return { next: again, who: "whoever runs the knowledge base, then the operator" };
  if (summary.state === "begun") return { next: `${again} (it goes on where it stood)`, who: "the operator" };
  return { next: again, who: "the operator, after the remedy above" };
}

/** A live run starts again only when it is enabled again, which spends one start of a ruling. */
function toLiveStep({ runId, status }: Pick<RecordedRun, "runId" | "status">, summary: RunSummary): NextStep {
  const { waits_on: waitsOn, code, document_id: documentId } = summary;
  const enable = `runbooks/enable --run-id ${runId} --ruling FILE`;
  const draft = (gate: string): string => `cutter approval draft --gate ${gate} --run-id ${runId}`;
  const causes = [code, status.escalation?.decision === null ? status.escalation.code : null];
  if (summary.state === "begun")
    return {
      next: `systemctl is-active cutter-run@${runId}`,
      who: "the operator: while it is active, wait; else enable it again, it goes on where it stood",
    };
  if (causes.some(isEvidence))
    return {
      next: `cutter audit verify --run-id ${runId}`,
      who: "the operator and the owner of the host: find out who changed the run's folder, before anything else",
    };
  if (code === "VOID_EFFECTS_STAND")
    return { next: `runbooks/emergency-revert --run-id ${runId} --approval FILE`, who: "the sovereign signs REVERT, then the operator" };
  if (causes.includes("STOP_REPLAY_CONFLICT"))
    return {
      next: `cutter orchestrate report --run-id ${runId}`,
      who: "the document's owner compares the three values with the database; then the sovereign decides by SG_3",
    };
  if (waitsOn === "SG_3")
    return {
      next: `${draft("SG_3")} --phase ${status.escalation?.phase ?? "P"} --decision resume`,
      who:
        "the sovereign decides and signs (--decision void gives the run up instead); then the operator enables and starts it " +
        "with that decision",
    };
  if (waitsOn === "SG_2")
    return { next: draft("SG_2"), who: "the sovereign signs; then the operator enables and starts it with that approval" };
  if (waitsOn === "knowledge_base")
    return { next: enable, who: "whoever runs the knowledge base; when it is back, the operator enables and starts it" };
  if (code === "COMMIT_UNKNOWN")
    return { next: enable, who: "whoever runs the database; when it answers, the operator enables and starts it" };
  if (code === "DOCUMENT_CLAIMED_BY_RUN")
    return {
      next: `cutter orchestrate explain --run-id ${toOther(status.lastEnd?.facts["run_id"])}`,
      who: "whoever answers for the named run",
    };
  if (code === "EXECUTION_REVOKED" || code === "ProductionExecutionNotAuthorized")
    return { next: "cutter kill-switch status", who: "the operator: find out who revoked it, then enable and start it" };
  if (code !== null && toExitCode(code) === 70)
    return { next: `cutter orchestrate report --run-id ${runId}`, who: "whoever maintains the kit: start nothing before they have looked" };
  if (toExitCode(code) === 78) return { next: "cutter config check", who: "the operator, after the remedy above" };
  if (hasWritten(status)) return { next: enable, who: "the operator, after the remedy above; it goes on where it stood" };
  if (code !== null && (code.startsWith("APPROVAL_") || code.startsWith("KEY_")))
    return { next: draft("SG_1"), who: "the sovereign, after the remedy above; then the operator enables and starts it" };
  if (code !== null && startsAnew.includes(code))
    return {
      next: `runbooks/prepare --run-id NEW --document ${documentId ?? "D"}`,
      who: "the operator; this run wrote nothing and can be given up",
    };
  return { next: enable, who: "the operator, after the remedy above" };
}

/** The plan that was signed is no longer the one that would be cut. */
const startsAnew: readonly string[] = ["PAYLOAD_CHANGED", "ROWS_MOVED", "ADDRESSES_TAKEN", "RUN_INPUTS_CHANGED", "SOURCE_REGISTRY_DIFFERS"];

function isEvidence(code: string | null): boolean {
  return code !== null && (code === "JOURNAL_DAMAGED" || code === "RUN_FILE_DAMAGED");
}

function toOther(runId: unknown): string {
  return typeof runId === "string" ? runId : "OTHER";
}
