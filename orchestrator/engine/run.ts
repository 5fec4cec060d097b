// A run from its first lock to its last word: who may start it, what each start is, and how it ended. The phases are loop.ts's.
import { CutterError } from "../core/errors.ts";
import { isEscalation, waitsForSecondApproval } from "../core/run/escalation.ts";
import { hasWritten } from "../core/journal/live.ts";
import { assertKbId } from "../core/knowledge-base/id.ts";
import { toRecordedRefusal } from "../core/run/verdict.ts";
import type { PhaseOutputs } from "../phases/define.ts";
import { toEndError, toUnrecordedError, type Attempt, type Run } from "./kernel/attempt.ts";
import { startCheckpoints } from "./kernel/checkpoint.ts";
import { withResource } from "./kernel/with-resource.ts";
import { openJournal, type Journal } from "./kernel/journal-writer.ts";
import { ensureRecords, writeRecords } from "./records/write-records.ts";
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
  return await withResource(ports, await ports.locks.acquireRun(run.facts.runId, run.facts.documentId), async () =>
    withResource(ports, await ports.locks.acquire(run.facts.runId, run.facts.documentId), () => runLocked(run, ports)),
  );
}

async function runLocked(run: Run, ports: EnginePorts): Promise<RunOutcome> {
  const folder = await ensureRunFolder(ports.files, run.facts.config.sidecar_root, run.facts.runId);
  const store = ports.openJournal(folder.journalPath);
  return await withResource(ports, { release: () => store.close() }, async () => {
    const journal = await openJournal(store, folder.journalPath, ports.clock);
    refuseOtherInputs(run, journal);
    const outputs = await readOutputs(run, folder, journal);
    if (journal.status().finished !== null || journal.status().voided !== null) {
      await ensureRecords(ports.files, folder, run.facts.runId, run.phases);
      return toCurrentOutcome({ run, journal, outputs, folder }, true);
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
  const number = journal.status().attempt + 1;
  await journal.append({ kind: "attempt_started", attempt: number, pid: ports.process.pid, boot_id: ports.process.bootId });
  ports.reporter.report({ kind: "run_started", runId: run.facts.runId, mode: run.facts.mode, documentId: run.facts.documentId });
  let atWork = false;
  const work = (begun: Attempt): Promise<void> => {
    atWork = true;
    return loop(begun);
  };
  const end = await (run.facts.mode === "live" ? runLiveAttempt(attempt, work) : work(attempt)).then(
    () => null,
    (error: unknown) => toEndError(error, run.signal, toCurrentPhase(run, journal)),
  );
  const outcome = await recordEnd(attempt, number, { end, atWork }).catch((failure: unknown) => {
    throw toUnrecordedError(end, failure);
  });
  ports.reporter.report({ kind: "run_ended", result: outcome.result, exitCode: outcome.exit_code, certificate: outcome.certificate });
  await notifyStopped(ports, outcome);
  if (end?.code === "INTERNAL_BUG") throw end;
  return outcome;
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
  await folder.write("outcome.json", `${JSON.stringify(outcome, null, 1)}\n`);
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
  from: { readonly run: Run; readonly journal: Journal; readonly outputs: PhaseOutputs; readonly folder: RunFolder },
  replay: boolean,
): RunOutcome {
  return toOutcome({
    run: from.run.facts,
    status: from.journal.status(),
    outputs: from.outputs,
    folder: from.folder.path,
    replay,
    next: toCurrentPhase(from.run, from.journal),
  });
}

/** The phase it stands in, or before; null once all have their receipts. */
function toCurrentPhase(run: Run, journal: Journal): PhaseName | null {
  const { done } = journal.status();
  return done.find((phase) => phase.receipt === null)?.phase ?? run.phases[done.length]?.name ?? null;
}
