// A run from its first lock to its last word: who may start it, what each start is, and how it ended. The phases are loop.ts's.
import { CutterError } from "../core/errors.ts";
import { toNamedDiskError } from "../core/host/disk-error.ts";
import { isEscalation, toLastExit, waitsForSecondApproval } from "../core/run/escalation.ts";
import { hasWritten } from "../core/journal/live.ts";
import type { RunStatus } from "../core/journal/status.ts";
import { assertKbId } from "../core/knowledge-base/id.ts";
import { toRecordedRefusal } from "../core/run/verdict.ts";
import type { PhaseOutputs } from "../phases/define.ts";
import { toEndError, toUnrecordedError, type Attempt, type Run } from "./kernel/attempt.ts";
import { startCheckpoints } from "./kernel/checkpoint.ts";
import { withResource } from "./kernel/with-resource.ts";
import { openJournal, type Journal } from "./kernel/journal-writer.ts";
import { requireNoLostRecords, type FoundJournal } from "./kernel/lost-records.ts";
import { readRun } from "./records/read-run.ts";
import { ensureRecords, toOutcomeFile, writeRecords } from "./records/write-records.ts";
import { runLiveAttempt } from "./live/start.ts";
import { loop } from "./loop.ts";
import { toOutcome } from "./records/outcome.ts";
import type { EnginePorts } from "./kernel/ports.ts";
import { ensureRunFolder, type RunFolder } from "./kernel/run-folder.ts";
import type { PhaseName } from "../core/phase-names.ts";
import type { RunOutcome } from "../core/run/outcome.ts";

/**
 * Starts a run, or goes on where it stood; a run that is done is a no-op that says so.
 * Stops of the registry end up in the outcome; what is thrown is a bug, or a refusal before the run's folder was ours.
 * @throws ProductionExecutionNotAuthorized before anything is opened, RUN_LOCKED, DOCUMENT_LOCKED, RUN_INPUTS_CHANGED, LIVE_INPUTS_CHANGED,
 * JOURNAL_*, RUN_FOLDER_FOREIGN
 */
export async function runPhases(run: Run, ports: EnginePorts): Promise<RunOutcome> {
  if (run.facts.mode === "live" && !(await ports.executionEnabled(run.facts.runId))) {
    throw new CutterError("ProductionExecutionNotAuthorized", { run_id: run.facts.runId });
  }
  assertKbId(run.facts.documentId);
  // The run id first: two starts of one id share a folder and a journal, whatever their documents are.
  const start = async (): Promise<RunOutcome> =>
    withResource(ports, await ports.locks.acquireRun(run.facts.runId, run.facts.documentId), async () =>
      withResource(ports, await ports.locks.acquire(run.facts.runId, run.facts.documentId), () => runLocked(run, ports)),
    );
  return await start().catch((error: unknown) => tellUnrecordedStart(run, ports, error));
}

async function runLocked(run: Run, ports: EnginePorts): Promise<RunOutcome> {
  const folder = await ensureRunFolder(ports.files, run.facts.config.sidecar_root, run.facts.runId);
  const store = ports.openJournal(folder.journalPath);
  return await withResource(ports, { release: () => store.close() }, async () => {
    const journal = await openJournal(store, folder.journalPath, ports.clock);
    refuseOtherInputs(run, journal);
    // Before anything is cut back, and before a run that seems new begins: its documents may witness that it is not.
    const torn = journal.torn() !== null;
    if (torn || journal.status().attempt === 0)
      await requireNoLostRecords(toFound(run, journal), ports.knowledgeBase).catch((error: unknown) => {
        if (torn || (error instanceof CutterError && error.code === "JOURNAL_DAMAGED")) throw error; // else its first start asks again
      });
    const outputs = await readOutputs(run, folder, journal);
    if (journal.status().finished !== null || journal.status().voided !== null) {
      await closeLastAttempt(journal);
      const outcome = toCurrentOutcome({ run, journal, outputs, folder }, true);
      await ensureRecords(ports.files, folder, { ...outcome, replay: false }, run.phases);
      return outcome;
    }
    const checkpoints = startCheckpoints({
      clock: ports.clock,
      hardCapMinutes: run.facts.config.run_hard_cap_minutes,
      signal: run.signal,
      ...(run.onCheckpoint === undefined ? {} : { onCheckpoint: run.onCheckpoint }),
    });
    return await runAttempt({ run, ports, folder, journal, checkpoints, outputs, live: null });
  });
}

/** The end of a start that had done all its work when it was cut off: a journal that is evidence has an end. */
async function closeLastAttempt(journal: Journal): Promise<void> {
  const { attempt, attemptOpen, finished } = journal.status();
  if (attemptOpen && (finished !== null || journal.torn() !== null))
    await journal.append({ kind: "attempt_ended", attempt, why: "finished", code: null, facts: {}, connections: [] });
}

const toFound = ({ facts, phases }: Run, journal: Journal): FoundJournal => ({
  runId: facts.runId,
  kbRunsFolder: facts.config.kb_runs_folder,
  phases,
  journal,
  records: journal.length(),
});

async function runAttempt(attempt: Attempt): Promise<RunOutcome> {
  const { run, ports, folder, journal } = attempt;
  if (journal.status().started === null) {
    await folder.write("request.yaml", run.requestText);
    await journal.append({
      kind: "run_started",
      run_id: run.facts.runId,
      document_id: run.facts.documentId,
      mode: run.facts.mode,
      inputs: run.inputs,
    });
  }
  const found = toFound(run, journal);
  const number = journal.status().attempt + 1;
  await journal.append({ kind: "attempt_started", attempt: number, pid: ports.process.pid, boot_id: ports.process.bootId });
  const { runId, mode, documentId } = run.facts;
  ports.reporter.report({ kind: "run_started", runId, mode, documentId, attempt: number });
  let atWork = false;
  const work = async (begun: Attempt): Promise<void> => {
    // Once a run has begun, a knowledge base that is away is met by the next gate, which waits for it.
    await requireNoLostRecords(found, ports.knowledgeBase).catch((error: unknown) => {
      if (number === 1 || !(error instanceof CutterError) || error.code !== "KB_UNAVAILABLE") throw error;
    });
    atWork = true;
    await loop(begun);
  };
  const end = await (run.facts.mode === "live" ? runLiveAttempt(attempt, work) : work(attempt)).then(
    () => null,
    (error: unknown) => toEndError(error, run.signal, toCurrentPhase(run, journal)),
  );
  const outcome = await recordEnd(attempt, number, { end, atWork }).catch((failure: unknown) =>
    toUnrecordedOutcome(attempt, toUnrecordedError(end, failure)),
  );
  ports.reporter.report({ kind: "run_ended", result: outcome.result, exitCode: outcome.exit_code, certificate: outcome.certificate });
  await notifyStopped(ports, outcome);
  if (end?.code === "INTERNAL_BUG") throw end;
  return outcome;
}

/**
 * What a start came to whose end is not on record: told to whoever started it, with the exit that what stands in the database asks for. A
 * run that is done lacks its evidence then. @throws `error`, when it is the kit's own fault
 */
function toUnrecordedOutcome(from: Parameters<typeof toCurrentOutcome>[0], error: CutterError): RunOutcome {
  if (error.code === "INTERNAL_BUG") throw error;
  const status = from.journal.status();
  const end = { code: error.code, facts: toRecordedRefusal(error).facts };
  const { attempt } = status;
  const stopped: RunStatus = {
    ...status,
    attemptOpen: false,
    lastEnd: { kind: "attempt_ended", attempt, why: "stopped", ...end, connections: [], at: "" },
  };
  return { ...toCurrentOutcome(from, false, stopped), ...end, exit_code: toLastExit(stopped) };
}

/** A disk or a knowledge base that refused a start before its journal took a word: what earlier starts wrote still decides the exit. */
async function tellUnrecordedStart(run: Run, ports: EnginePorts, error: unknown): Promise<RunOutcome> {
  const known = toNamedDiskError(error);
  if (!(known instanceof CutterError) || run.facts.mode !== "live" || !/^(?:DISK_FULL|KB_.*)$/.test(known.code)) throw known;
  const recorded = await readRun(ports.files, run.facts.config.sidecar_root, run.facts.runId).catch(() => null);
  if (recorded === null || !hasWritten(recorded.status)) throw known;
  const journal = { status: () => recorded.status };
  return toUnrecordedOutcome({ run, journal, outputs: new Map(), folder: recorded.folder }, known);
}

/** A phase's own failure after something was written is raised to the sovereign; what refused the start is not. */
async function recordEnd(
  attempt: Attempt,
  number: number,
  { end, atWork }: { readonly end: CutterError | null; readonly atWork: boolean },
): Promise<RunOutcome> {
  const { run, ports, folder, journal } = attempt;
  const phase = toCurrentPhase(run, journal);
  const waits = end !== null && (end.exitCode === 11 || waitsForSecondApproval(journal.status(), phase, end.code));
  if (end !== null && phase !== null && atWork && isEscalation(journal.status(), phase, end.code))
    await journal.append({ kind: "escalated", phase, code: end.code, facts: toRecordedRefusal(end).facts });
  await journal.append({
    kind: "attempt_ended",
    attempt: number,
    why: end === null ? "finished" : waits ? "waiting" : "stopped",
    code: end?.code ?? null,
    facts: end === null ? {} : toRecordedRefusal(end).facts,
    connections: ports.database
      .connectionEvidence()
      .map((evidence) => ({ ...evidence, transactionIdsAssigned: [...evidence.transactionIdsAssigned] })),
  });
  const outcome = toCurrentOutcome(attempt, false);
  await folder.write("outcome.json", toOutcomeFile(outcome));
  if (outcome.result === "done" || outcome.result === "voided")
    await writeRecords(ports.files, folder, attempt.run.facts.runId, attempt.run.phases);
  return outcome;
}

/** Somebody may want to know; whether they were told changes nothing for the run. */
async function notifyStopped({ notify, reporter }: EnginePorts, outcome: RunOutcome): Promise<void> {
  if (notify === null || outcome.result === "done") return;
  await notify({ runId: outcome.run_id, code: outcome.code ?? "none", exitCode: outcome.exit_code, waitsOn: outcome.waits_on }).catch(
    (error: unknown) =>
      reporter.report({
        kind: "warning",
        code: "NOTIFY_FAILED",
        text: error instanceof CutterError ? error.message : "notify_command failed",
      }),
  );
}

function refuseOtherInputs(run: Run, journal: Journal): void {
  const started = journal.status().started;
  if (started === null) return;
  const begun = { run_id: started.run_id, document_id: started.document_id, mode: started.mode, ...started.inputs };
  const now = { run_id: run.facts.runId, document_id: run.facts.documentId, mode: run.facts.mode, ...run.inputs };
  // A run that is done is not touched any more: asking for it again is harmless under a newer release or configuration.
  const comparedNames =
    journal.status().finished === null && journal.status().voided === null
      ? (Object.keys(begun) as (keyof typeof begun)[])
      : (["run_id", "document_id", "mode"] as const);
  const changed = comparedNames.filter((name) => begun[name] !== now[name]);
  if (changed.length > 0)
    throw new CutterError(hasWritten(journal.status()) ? "LIVE_INPUTS_CHANGED" : "RUN_INPUTS_CHANGED", {
      run_id: run.facts.runId,
      changed,
    });
}

async function readOutputs(run: Run, folder: RunFolder, journal: Journal): Promise<Map<PhaseName, unknown>> {
  const outputs = new Map<PhaseName, unknown>();
  for (const done of journal.status().done) {
    const expected = run.phases[done.number - 1]?.name;
    if (expected !== done.phase)
      throw new CutterError(hasWritten(journal.status()) ? "LIVE_INPUTS_CHANGED" : "RUN_INPUTS_CHANGED", {
        run_id: run.facts.runId,
        changed: ["phases"],
      });
    outputs.set(done.phase, await folder.readOutput(done.number, done.phase, done.outputSha256));
  }
  return outputs;
}

function toCurrentOutcome(
  from: { readonly run: Run; readonly journal: Pick<Journal, "status">; readonly outputs: PhaseOutputs; readonly folder: RunFolder },
  replay: boolean,
  status = from.journal.status(),
): RunOutcome {
  return toOutcome({
    run: from.run.facts,
    status,
    outputs: from.outputs,
    folder: from.folder.path,
    replay,
    next: toCurrentPhase(from.run, from.journal),
  });
}

/** The phase it stands in, or before; null once all have their receipts. */
function toCurrentPhase(run: Run, journal: Pick<Journal, "status">): PhaseName | null {
  const { done } = journal.status();
  return done.find((phase) => phase.receipt === null)?.phase ?? run.phases[done.length]?.name ?? null;
}
