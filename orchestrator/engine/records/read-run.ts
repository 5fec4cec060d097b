// Runs as they lie on disk, for those who only look: status, explain, report. Nothing is created, locked or changed.
import { toExitCode } from "../../core/codes/index.ts";
import { toLastExit, toWaitsOn } from "../../core/run/escalation.ts";
import { readChain, readLines } from "../../core/journal/chain.ts";
import { newRun, toStatus, type RunStatus } from "../../core/journal/status.ts";
import { CutterError } from "../../core/errors.ts";
import { toRevertAccount, type RevertAccount } from "../../core/revert/account.ts";
import { revertJournalName } from "../../core/revert/files.ts";
import { toUnbegunOutputs } from "../../core/run/unfinished-runs.ts";
import { parseRevertRecord } from "../../core/revert/journal.ts";
import type { Files } from "../../ports/files.ts";
import { findRunFolder, toRunFolder, type RunFolder } from "../kernel/run-folder.ts";
import type { PhaseName } from "../../core/phase-names.ts";

export interface RecordedRun {
  readonly runId: string;
  readonly folder: RunFolder;
  readonly status: RunStatus;
  readonly lastAt: string | null; // time of the last record
  readonly revert: RevertAccount | null; // what its revert's own journal says; null: none ever began
}

/** @throws RUN_UNKNOWN, JOURNAL_DAMAGED */
export async function readRun(files: Files, sidecarRoot: string, runId: string): Promise<RecordedRun> {
  const folder = await findRunFolder(files, sidecarRoot, runId);
  if (folder === null) throw new CutterError("RUN_UNKNOWN", { run_id: runId });
  return { ...(await readRunFolder(files, folder, runId)), revert: await readRevert(files, folder) };
}

/** The run itself, as far as its whole records go, without its revert. @throws JOURNAL_DAMAGED */
export async function readRunFolder(files: Files, folder: RunFolder, runId: string): Promise<Omit<RecordedRun, "revert">> {
  const chain = readChain((await files.read(folder.journalPath)) ?? new Uint8Array(), folder.journalPath);
  return { runId, folder, status: toStatus(chain.records), lastAt: chain.records.at(-1)?.at ?? null };
}

/**
 * For those who say what is certain: a run whose outputs go further than its journal is none that has not begun, or wrote nothing.
 * @throws RUN_UNKNOWN, JOURNAL_DAMAGED, there also with reason=behind_outputs
 */
export async function readWholeRun(files: Files, sidecarRoot: string, runId: string): Promise<RecordedRun> {
  const outputs = (await files.list(`${sidecarRoot}/${runId}/outputs`)) ?? []; // first: a run that is going on may write both
  const run = await readRun(files, sidecarRoot, runId);
  const { attempt, done } = run.status;
  const phasesBegun = attempt === 0 ? 0 : done.length + 1;
  const lost = toUnbegunOutputs(outputs, (number) => number <= phasesBegun);
  if (lost.length > 0) throw new CutterError("JOURNAL_DAMAGED", { reason: "behind_outputs", run_id: runId, outputs: lost });
  return run;
}

/** Also a run that is only requested: it has no folder before its first start. @throws RUN_UNKNOWN, JOURNAL_DAMAGED */
export async function readRunOrRequest(files: Files, sidecarRoot: string, requests: string, runId: string): Promise<RecordedRun> {
  if ((await findRunFolder(files, sidecarRoot, runId)) !== null) return await readWholeRun(files, sidecarRoot, runId);
  if ((await files.facts(`${requests}/${runId}.yaml`)) === null) throw new CutterError("RUN_UNKNOWN", { run_id: runId });
  return { runId, folder: toRunFolder(files, `${sidecarRoot}/${runId}`), status: newRun, lastAt: null, revert: null };
}

/** @throws JOURNAL_DAMAGED */
async function readRevert(files: Files, folder: RunFolder): Promise<RevertAccount | null> {
  const path = `${folder.path}/${revertJournalName}`;
  return toRevertAccount(readLines((await files.read(path)) ?? new Uint8Array(), path, parseRevertRecord).records);
}

/** Where a run stands, in the words of status. */
export interface RunSummary {
  readonly run_id: string;
  readonly mode: string | null;
  readonly document_id: string | null;
  readonly state: "done" | "voided" | "waiting" | "stopped" | "begun" | "not begun" | "damaged";
  readonly phase: PhaseName | null;
  readonly phases_done: number;
  readonly waits_on: string | null;
  readonly on_whom: string | null;
  readonly since: string | null;
  readonly code: string | null;
  readonly exit_code: number | null;
  readonly certificate: string | null;
  /** What became of its revert, beside `state`, which stays the run's own; null: none ever began. */
  readonly revert: RevertSummary | null;
}

interface RevertSummary {
  readonly state: RevertAccount["state"];
  readonly reverted_at: string | null;
  readonly verified_at: string | null; // another login last saw the units retired
  readonly units: number | null;
  readonly transaction_id: string | null;
  readonly open_transaction: string | null; // whether it committed, the journal does not know
  readonly approval: { readonly sha256: string; readonly review_decision_id: string; readonly signer: string } | null;
  readonly code: string | null; // how its last start ended
  readonly complete: boolean; // reverted, told to the knowledge base, and its last start ended
}

/** Pure. `begun`: its last start has not said how it ended: it is going on, or it was killed. */
export function toRunSummary(run: RecordedRun, phaseNames: readonly PhaseName[]): RunSummary {
  const { status } = run;
  const end = status.lastEnd;
  const state =
    status.finished !== null
      ? "done"
      : status.voided !== null
        ? "voided"
        : status.started === null
          ? "not begun"
          : status.attemptOpen
            ? "begun"
            : end?.why === "waiting"
              ? "waiting"
              : "stopped";
  const phase =
    state === "done" || state === "voided"
      ? null
      : (status.done.find((done) => done.receipt === null)?.phase ?? phaseNames[status.done.length] ?? null);
  const reverted = run.revert?.state === "reverted";
  const waitsOn = reverted ? null : toWaitsOn(status, phase);
  return {
    run_id: run.runId,
    mode: status.started?.mode ?? null,
    document_id: status.started?.document_id ?? null,
    state,
    phase,
    phases_done: status.done.filter((done) => done.receipt !== null).length,
    waits_on: waitsOn,
    on_whom: reverted ? null : run.revert === null ? toWhom(state, waitsOn, status) : "the operator: its revert is not finished",
    since: run.lastAt,
    code: state === "done" ? null : state === "voided" ? "RUN_VOIDED" : (end?.code ?? null),
    exit_code: status.finished?.exit_code ?? (state === "waiting" || state === "stopped" ? toLastExit(status) : null),
    certificate: status.finished?.certificate ?? null,
    revert: run.revert === null ? null : toRevertSummary(run.revert),
  };
}

function toRevertSummary({
  state,
  revertedAt,
  verifiedAt,
  units,
  transactionId,
  openTransaction,
  approval,
  code,
  complete,
}: RevertAccount): RevertSummary {
  return {
    state,
    reverted_at: revertedAt,
    verified_at: verifiedAt,
    units,
    transaction_id: transactionId,
    open_transaction: openTransaction,
    approval:
      approval === null ? null : { sha256: approval.sha256, review_decision_id: approval.reviewDecisionId, signer: approval.signer },
    code,
    complete,
  };
}

function toWhom(state: RunSummary["state"], waitsOn: RunSummary["waits_on"], status: RunStatus): string | null {
  if (waitsOn === "SG_2" || waitsOn === "SG_3") return "the sovereign, then the operator";
  if (waitsOn === "knowledge_base") return "whoever runs the knowledge base, then the operator";
  if (state === "stopped" && toExitCode(status.lastEnd?.code ?? null) === 30) return "a person who decides, then the operator";
  return state === "stopped" || state === "waiting" || state === "not begun" ? "the operator" : null;
}
