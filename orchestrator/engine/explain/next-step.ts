// The one safe next step for a run that stands still, and who must act first. Tables, read from top to bottom: each command can be typed as
// it stands, and moves the run. Pure.
import { isCode, toExitCode } from "../../core/codes/index.ts";
import { hasWritten } from "../../core/journal/live.ts";
import type { RunStatus } from "../../core/journal/status.ts";
import { toApprovalFile, type NextStep } from "../../core/run/next-step.ts";
import { dryRunSuffix } from "../../core/run-id.ts";
import type { RunSummary } from "../records/read-run.ts";
import type { HostView, LastStop } from "./host-view.ts";

export interface ExplainedRun {
  readonly runId: string;
  readonly status: RunStatus;
  readonly summary: RunSummary;
  readonly view: HostView;
  readonly last: LastStop;
}

type Revert = NonNullable<RunSummary["revert"]>;
type Gate = Parameters<typeof toApprovalFile>[1];

const operator = "the operator";
const nothing = (why: string): NextStep => ({ next: null, why, who: "nobody" });
const run = (command: readonly string[], why: string, who = operator): NextStep => ({ next: { command }, why, who });
const cutter = (runId: string, ...words: readonly string[]): readonly string[] => ["cutter", ...words, "--run-id", runId];

/** Pure. */
export function toNextStep(explained: ExplainedRun): NextStep {
  const { runId, status, summary, view } = explained;
  const live = (status.started?.mode ?? view.request?.mode) === "live";
  if (view.unit.state === "going_on")
    return run(["runbooks/start-run", "--run-id", runId], "it is going on; this shows it until it ends and starts nothing else", "nobody");
  if (summary.revert !== null) return toRevertStep(runId, summary.revert);
  if (summary.state === "voided")
    return nothing("it was given up and never starts again; to cut the document after all, prepare it under another run id");
  if (summary.state === "done" && view.recordsStand) return nothing(toDoneText(status, live));
  return live ? toLiveStep(explained) : toDryStep(explained);
}

function toDoneText({ finished }: RunStatus, live: boolean): string {
  if (live) return "it is done; cutter orchestrate report tells what it did";
  return finished?.certificate === "pass"
    ? "it is done; the live run is a run of its own: cutter orchestrate explain says how that one goes on"
    : `it is done, but its certificate is ${finished?.certificate ?? "none"}: cutter orchestrate report says why; once that is ` +
        "mended, or at a quieter time where others wrote, dry-run the document again under another run id";
}

/** A dry run goes on by itself where it stood; what can never go on is given up, which costs nothing. */
function toDryStep({ runId, status, summary, view, last }: ExplainedRun): NextStep {
  const documentId = summary.document_id ?? view.request?.documentId ?? null;
  if (documentId === null) return nothing("it never began, and no request names its document: begin it again under another run id");
  if (status.started !== null && last.code !== null && (startsAnew.includes(last.code) || isBug(last.code)))
    return run(
      cutter(runId, "orchestrate", "void"),
      `it cannot go on after ${last.code}; it wrote nothing, so it is given up and the document is dry-run under another run id`,
      isBug(last.code) ? maintainers : operator,
    );
  const again =
    view.request === null
      ? ["cutter", "orchestrate", "run", "--run-id", runId, "--document", documentId]
      : runId.endsWith(dryRunSuffix)
        ? ["runbooks/prepare", "--run-id", runId.slice(0, -dryRunSuffix.length), "--document", documentId]
        : ["runbooks/start-run", "--run-id", runId];
  if (summary.state === "done") return run(again, "it is done, but was killed before its report and bundle stood: this writes them");
  if (summary.state === "not begun") return run(again, "it never began");
  const why =
    last.code === null
      ? "a dry run goes on where it stood"
      : `once ${last.code} is mended it goes on where it stood; another document is prepared under another run id`;
  return run(again, why, summary.state === "waiting" ? `${knowledgeBase}, then ${operator}` : operator);
}

/** First what keeps every start away; then what the run waits for; then the start itself. */
function toLiveStep(explained: ExplainedRun): NextStep {
  return toSwitchStep(explained) ?? toUnbegunStep(explained) ?? toDecisionStep(explained) ?? toEndStep(explained) ?? toStart(explained);
}

/** The latch, or a token: what is armed is started, what is left over goes, and another run comes first. */
function toSwitchStep({ runId, view: { execution } }: ExplainedRun): NextStep | null {
  switch (execution.state) {
    case "off":
    case "unknown":
      return null;
    case "disabled":
      return run(
        ["runbooks/disable", "--clear"],
        "the latch is set, and nothing can be enabled until it is lifted",
        "the operator, once it is known who set the latch and why",
      );
    case "armed":
      return execution.runId === runId
        ? run(["runbooks/start-run", "--run-id", runId], `it is enabled until ${execution.until ?? "an unknown time"}`)
        : run(
            cutter(execution.runId, "orchestrate", "explain"),
            `${execution.runId} is enabled, and one run at a time can be: it comes first`,
          );
    case "live":
      return execution.runId === runId
        ? run(
            ["runbooks/disable"],
            "the token of a start that is over is still there: this takes it away, and the latch is lifted after it",
          )
        : run(
            cutter(execution.runId, "orchestrate", "explain"),
            `${execution.runId} is live, and one run at a time can be: it comes first`,
          );
  }
}

/** It has no journal: requested, perhaps enabled before, and never begun. */
function toUnbegunStep(explained: ExplainedRun): NextStep | null {
  const { runId, status, view } = explained;
  if (status.started !== null) return null;
  const documentId = view.request?.documentId ?? "";
  if (view.dryRun === "none" || view.dryRun === "unfinished")
    return run(["runbooks/prepare", "--run-id", runId, "--document", documentId], "its dry run is not done");
  if (view.dryRun !== "pass")
    return nothing(
      view.dryRun === "given up"
        ? "its dry run was given up, and it never began itself: prepare the document under another run id"
        : "its dry run has no certificate that says pass, and it never began itself: prepare the document under another run id",
    );
  return null;
}

/** What a person must sign first. */
function toDecisionStep(explained: ExplainedRun): NextStep | null {
  const { runId, status, summary, last } = explained;
  const { escalation } = status;
  const code = last.code ?? "";
  if (code === "VOID_EFFECTS_STAND") return toRevert(runId, "its effects stand, and it is to be given up: they are reverted first");
  if (escalation !== null && escalation.decision === null) return toThird(explained, escalation);
  if (summary.waits_on === "SG_2") return sign(runId, "SG_2", "it waits for SG_2", toEnable(explained, ["SG_2"]));
  if (isEvidence(code) && hasWritten(status))
    return toRevert(
      runId,
      `${code}: what it left on this host was changed, so it cannot go on; it can be taken back`,
      "the operator and the owner of the host find out who changed the run's folder (cutter audit verify); then the sovereign decides",
    );
  const gate = toNamedGate(last.facts["gate"]);
  if (!/^(?:APPROVAL|KEY)_/.test(code) || startsAnew.includes(toCase(last)) || (hasWritten(status) && gate !== "RULING")) return null;
  return sign(runId, gate, `${code}: ${gate} is asked for again`, toEnable(explained, gate === "RULING" ? [] : [gate]));
}

function toThird(explained: ExplainedRun, { phase, code }: NonNullable<RunStatus["escalation"]>): NextStep {
  const { runId } = explained;
  const decision = code === "VOID_CLAIM_STANDS" ? "void" : "resume";
  const conflict = [explained.last.code, code].includes("STOP_REPLAY_CONFLICT");
  return {
    next: {
      sign: "SG_3",
      draft: ["runbooks/draft", "--run-id", runId, "--gate", "SG_3", "--phase", phase, "--decision", decision],
      use: toEnable(explained, ["SG_3"]),
    },
    why:
      decision === "void"
        ? "a signed void came, and it is not decided"
        : `${phase} failed with ${code} after something was written, and only the sovereign can say how it goes on`,
    who: conflict
      ? "the document's owner compares the three values with the database (cutter orchestrate report); then the sovereign decides"
      : "the sovereign decides and signs: resume, or --decision void gives the run up; then the operator",
  };
}

/**
 * Nothing, once it is reverted and told; else the revert again: it repeats nothing. Rows that are not what the run left are somebody's
 * work, and a person looks at them before anything is typed.
 */
function toRevertStep(runId: string, { state, code, complete, reverted_at: at, verified_at: seenAt }: Revert): NextStep {
  if (complete && code === null && seenAt !== null) return nothing(`it was reverted at ${at ?? "an unknown time"}`);
  if (code !== "REVERT_COMMIT_UNKNOWN" && isCode(code ?? "") && toExitCode(code) === 30)
    return {
      next: null,
      why: `its revert refused with ${code ?? ""}: runbooks/emergency-revert.md, section 5`,
      who: "the document's owner looks at the named rows first",
    };
  const why =
    state === "reverted"
      ? "its units are retired; what is left is to look again and to tell it"
      : `a revert of it began and is not finished${code === null ? "" : `: its last start ended with ${code}`}`;
  return code === "APPROVAL_SPENT" || code === "APPROVAL_TOO_OLD" ? toRevert(runId, why) : run(toRevertCommand(runId), why);
}

const toRevertCommand = (runId: string): readonly string[] => [
  "runbooks/emergency-revert",
  "--run-id",
  runId,
  "--approval",
  toApprovalFile(runId, "REVERT"),
];

function toRevert(runId: string, why: string, who = "the sovereign signs REVERT, then the operator"): NextStep {
  return sign(runId, "REVERT", why, toRevertCommand(runId), who);
}

function sign(runId: string, gate: Gate, why: string, use: readonly string[], who = "the sovereign signs, then the operator"): NextStep {
  return { next: { sign: gate, draft: ["runbooks/draft", "--run-id", runId, "--gate", gate], use }, why, who };
}

/** What can never go on: with nothing written it is given up, which needs no signature. */
function toEndStep({ runId, status, last }: ExplainedRun): NextStep | null {
  if (status.started === null || hasWritten(status)) return null;
  const code = toCase(last);
  const bug = isBug(last.code);
  if (!bug && !isEvidence(code) && code !== "STOP_REPLAY_CONFLICT" && !startsAnew.includes(code)) return null;
  return run(
    cutter(runId, "orchestrate", "void"),
    `it cannot go on after ${last.code ?? "this"}; it wrote nothing, so it is given up, and the document is prepared under another run id`,
    bug ? maintainers : operator,
  );
}

/** A live run starts again only when it is enabled again, which spends one start of a ruling; it goes on where it stood. */
function toStart(explained: ExplainedRun): NextStep {
  const { status, summary, view, last } = explained;
  const other = last.facts["run_id"];
  if (last.code === "DOCUMENT_CLAIMED_BY_RUN" && view.claimant === "unfinished" && typeof other === "string")
    return run(cutter(other, "orchestrate", "explain"), `${other} has cut into this document and is not finished: it comes first`);
  const firstStart = status.started === null && view.result === null;
  const enable = toEnable(explained, status.started === null ? ["SG_1", "SG_2"] : []); // nothing of it may be in the knowledge base yet
  if (firstStart)
    return run(enable, "it never began, and nothing is enabled", "the sovereign, if the drafts are not signed; then the operator");
  return run(
    enable,
    toStartText(explained),
    status.started === null && last.code === "ProductionExecutionNotAuthorized" ? operator : toStarter(summary, last),
  );
}

function toStartText({ status, summary, view, last }: ExplainedRun): string {
  if (status.started === null) return "its last start ended before it wrote anything down: nothing is enabled, and it begins anew";
  if (summary.state === "done") return "it is done, but was killed before its report and bundle stood: one more start writes them";
  if (last.code === "DOCUMENT_CLAIMED_BY_RUN" && view.claimant === "not of this host")
    return "a run of another host holds the document: this one is refused until that one is finished there";
  return "nothing is enabled; it goes on where it stood";
}

function toStarter({ waits_on: waitsOn }: RunSummary, { code }: LastStop): string {
  if (waitsOn === "knowledge_base") return `${knowledgeBase}; when it is back, ${operator}`;
  if (code === "COMMIT_UNKNOWN") return `whoever runs the database; when it answers, ${operator}`;
  if (code === "EXECUTION_REVOKED" || code === "ProductionExecutionNotAuthorized")
    return "the operator, once it is known who took its permission away";
  if (isBug(code)) return maintainers;
  return code === null || !isCode(code) || code === "RUN_KILLED" || code === "RUN_INTERRUPTED"
    ? operator
    : "the operator, after the remedy above";
}

function toEnable({ runId }: ExplainedRun, gates: readonly Gate[]): readonly string[] {
  const approvals = gates.flatMap((gate) => ["--approval", toApprovalFile(runId, gate)]);
  return ["runbooks/enable", "--run-id", runId, "--ruling", toApprovalFile(runId, "RULING"), ...approvals];
}

const knowledgeBase = "whoever runs the knowledge base";
const maintainers = "whoever maintains the kit looks first; then the operator";

/** The plan that was signed, or what the run was begun with, is no longer what would be cut. */
const startsAnew: readonly string[] = [
  "PAYLOAD_CHANGED",
  "ROWS_MOVED",
  "ADDRESSES_TAKEN",
  "RUN_INPUTS_CHANGED",
  "SOURCE_REGISTRY_DIFFERS",
  "APPROVAL_OUTDATED document_sha256",
];

/** APPROVAL_OUTDATED tells several cases apart by its field; every other code is its own case. */
function toCase({ code, facts }: LastStop): string {
  return code === "APPROVAL_OUTDATED" ? `${code} ${String(facts["field"])}` : (code ?? "");
}

function isBug(code: string | null): boolean {
  return code !== null && isCode(code) && toExitCode(code) === 70;
}

function isEvidence(code: string | null): boolean {
  return code !== null && (code === "JOURNAL_DAMAGED" || code === "RUN_FILE_DAMAGED");
}

function toNamedGate(gate: unknown): "SG_1" | "SG_2" | "RULING" {
  return gate === "RULING" || gate === "SG_2" ? gate : "SG_1";
}
