// Runs as they lie on disk, for those who only look: status, explain, report. Nothing is created, locked or changed.
import { toExitCode } from "../../core/codes/index.ts";
import { toLastExit, toWaitsOn } from "../../core/run/escalation.ts";
import { readChain } from "../../core/journal/chain.ts";
import { newRun, toStatus, type RunStatus } from "../../core/journal/status.ts";
import { CutterError } from "../../core/errors.ts";
import type { Files } from "../../ports/files.ts";
import { findRunFolder, toRunFolder, type RunFolder } from "../kernel/run-folder.ts";
import type { PhaseName } from "../../core/phase-names.ts";

export interface RecordedRun {
  readonly runId: string;
  readonly folder: RunFolder;
  readonly status: RunStatus;
  readonly lastAt: string | null; // time of the last record
}

/** @throws RUN_UNKNOWN, JOURNAL_DAMAGED */
export async function readRun(files: Files, sidecarRoot: string, runId: string): Promise<RecordedRun> {
  const folder = await findRunFolder(files, sidecarRoot, runId);
  if (folder === null) throw new CutterError("RUN_UNKNOWN", { run_id: runId });
  return await readRunFolder(files, folder, runId);
}

/** Also a run that is only requested: it has no folder before its first start. @throws RUN_UNKNOWN, JOURNAL_DAMAGED */
export async function readRunOrRequest(files: Files, sidecarRoot: string, requests: string, runId: string): Promise<RecordedRun> {
  if ((await findRunFolder(files, sidecarRoot, runId)) !== null) return await readRun(files, sidecarRoot, runId);
  if ((await files.facts(`${requests}/${runId}.yaml`)) === null) throw new CutterError("RUN_UNKNOWN", { run_id: runId });
  return { runId, folder: toRunFolder(files, `${sidecarRoot}/${runId}`), status: newRun, lastAt: null };
}

/** As far as its whole records go. @throws JOURNAL_DAMAGED */
export async function readRunFolder(files: Files, folder: RunFolder, runId: string): Promise<RecordedRun> {
  const chain = readChain((await files.read(folder.journalPath)) ?? new Uint8Array(), folder.journalPath);
  return { runId, folder, status: toStatus(chain.records), lastAt: chain.records.at(-1)?.at ?? null };
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
  const waitsOn = toWaitsOn(status, phase);
  return {
    run_id: run.runId,
    mode: status.started?.mode ?? null,
    document_id: status.started?.document_id ?? null,
    state,
    phase,
    phases_done: status.done.filter((done) => done.receipt !== null).length,
    waits_on: waitsOn,
    on_whom: toWhom(state, waitsOn, status),
    since: run.lastAt,
    code: state === "done" ? null : state === "voided" ? "RUN_VOIDED" : (end?.code ?? null),
    exit_code: status.finished?.exit_code ?? (state === "waiting" || state === "stopped" ? toLastExit(status) : null),
    certificate: status.finished?.certificate ?? null,
  };
}

function toWhom(state: RunSummary["state"], waitsOn: RunSummary["waits_on"], status: RunStatus): string | null {
  if (waitsOn === "SG_2" || waitsOn === "SG_3") return "the sovereign, then the operator";
  if (waitsOn === "knowledge_base") return "whoever runs the knowledge base, then the operator";
  if (state === "stopped" && toExitCode(status.lastEnd?.code ?? null) === 30) return "a person who decides, then the operator";
  return state === "stopped" || state === "waiting" || state === "not begun" ? "the operator" : null;
}
