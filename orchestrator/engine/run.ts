// The one loop: observe, gate, rehearse, journal, phase document, receipt, next. Everything it needs is a value passed in.
import { CutterError } from "../core/errors.ts";
import { assertKbId } from "../core/kb-id.ts";
import { toPhaseStem } from "../core/phase-document-id.ts";
import { toRecordedRefusal, toRefusals } from "../core/verdict.ts";
import type { Phase, PhaseOutputs, PhaseResult } from "../phases/define.ts";
import { rehearseDecision } from "../phases/decisions.ts";
import { passInternalGate } from "../gates/internal.ts";
import type { ReadPorts } from "../ports/run-ports.ts";
import { armPhase } from "./arm.ts";
import { toEnd, toUnrecordedEnd, type Attempt, type Run } from "./attempt.ts";
import { startCheckpoints } from "./checkpoint.ts";
import { closeRun } from "./close-run.ts";
import { ensureRecords, leaveRecords } from "./leave-records.ts";
import { openJournal, type Journal } from "./journal-writer.ts";
import { toOutcome, type RunOutcome } from "./outcome.ts";
import { toPhaseDocument } from "./phase-document.ts";
import type { EnginePorts } from "./ports.ts";
import { ensureRunFolder, type RunFolder } from "./run-folder.ts";

/**
 * Starts a run, or goes on where it stood; a run that is done is a no-op that says so.
 * Stops of the registry end up in the outcome; what is thrown is a bug, or a refusal before the run's folder was ours.
 * @throws ProductionExecutionNotAuthorized before anything is opened, RUN_LOCKED, DOCUMENT_LOCKED, RUN_INPUTS_CHANGED, JOURNAL_*, RUN_FOLDER_FOREIGN
 */
export async function runPhases(run: Run, ports: EnginePorts): Promise<RunOutcome> {
  if (run.facts.mode === "live" && !(await ports.executionEnabled(run.facts.runId))) {
    throw new CutterError("ProductionExecutionNotAuthorized", { run_id: run.facts.runId });
  }
  assertKbId(run.facts.documentId);
  // The run id first: two starts of one id share a folder and a journal, whatever their documents are.
  return await withHeld(ports, await ports.locks.acquireRun(run.facts.runId, run.facts.documentId), async () =>
    withHeld(ports, await ports.locks.acquire(run.facts.runId, run.facts.documentId), () => runHeld(run, ports)),
  );
}

async function runHeld(run: Run, ports: EnginePorts): Promise<RunOutcome> {
  const folder = await ensureRunFolder(ports.files, run.facts.config.sidecar_root, run.facts.runId);
  const store = ports.openJournal(folder.journalPath);
  return await withHeld(ports, { release: () => store.close() }, async () => {
    const journal = await openJournal(store, folder.journalPath, ports.clock);
    refuseOtherInputs(run, journal);
    const outputs = await readOutputs(run, folder, journal);
    if (journal.status().finished !== null) {
      await ensureRecords(ports.files, folder, run.facts.runId, run.phases);
      return toCurrentOutcome({ run, journal, outputs, folder }, true);
    }
    const checkpoints = startCheckpoints({ clock: ports.clock, hardCapMinutes: run.facts.config.run_hard_cap_minutes, signal: run.signal, ...(run.onCheckpoint === undefined ? {} : { onCheckpoint: run.onCheckpoint }) });
    return await attempt({ run, ports, folder, journal, checkpoints, outputs });
  });
}

/** Gives back what is held, whatever the work came to. A failure to do so is warned about, never put in the place of the work's own end: what is left behind goes with the process. */
async function withHeld<T>({ reporter }: EnginePorts, held: { release(): Promise<void> }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await held.release().catch((error: unknown) => reporter.report({ kind: "warning", code: "LOCK_NOT_RELEASED", text: `not released cleanly: ${error instanceof Error ? error.message : "unknown"}` }));
  }
}

async function attempt(attempt: Attempt): Promise<RunOutcome> {
  const { run, ports, folder, journal } = attempt;
  if (journal.status().started === null) {
    await folder.write("request.yaml", run.requestText);
    await journal.append({ kind: "run_started", run_id: run.facts.runId, document_id: run.facts.documentId, mode: run.facts.mode, inputs: run.inputs });
  }
  const number = journal.status().attempt + 1;
  await journal.append({ kind: "attempt_started", attempt: number, pid: ports.process.pid, boot_id: ports.process.bootId });
  ports.reporter.report({ kind: "run_started", runId: run.facts.runId, mode: run.facts.mode, documentId: run.facts.documentId });
  const end = await loop(attempt).then(() => null, (error: unknown) => toEnd(error, run.signal, toStanding(run, journal)));
  const outcome = await recordEnd(attempt, number, end).catch((failure: unknown) => {
    throw toUnrecordedEnd(end, failure);
  });
  ports.reporter.report({ kind: "run_ended", result: outcome.result, exitCode: outcome.exit_code, certificate: outcome.certificate });
  if (end?.code === "INTERNAL_BUG") throw end;
  return outcome;
}

async function recordEnd(attempt: Attempt, number: number, end: CutterError | null): Promise<RunOutcome> {
  const { ports, folder, journal } = attempt;
  await journal.append({
    kind: "attempt_ended",
    attempt: number,
    why: end === null ? "finished" : end.exitCode === 11 ? "waiting" : "stopped",
    code: end?.code ?? null,
    facts: end === null ? {} : toRecordedRefusal(end).facts,
    connections: ports.database.connectionEvidence().map((evidence) => ({ ...evidence, transactionIdsAssigned: [...evidence.transactionIdsAssigned] })),
  });
  const outcome = toCurrentOutcome(attempt, false);
  await folder.write("outcome.json", `${JSON.stringify(outcome, null, 1)}\n`);
  if (outcome.result === "done") await leaveRecords(ports.files, folder, attempt.run.facts.runId, attempt.run.phases);
  return outcome;
}

async function loop(attempt: Attempt): Promise<void> {
  const { run, journal } = attempt;
  if (journal.status().before === null) await takeCensusBefore(attempt);
  for (const [index, phase] of run.phases.entries()) {
    const number = index + 1;
    const done = journal.status().done[index];
    const reusable = done !== undefined ? phase.toResult(attempt.outputs.get(phase.name)) : null;
    const result = reusable ?? (await performPhase(attempt, phase, number));
    if (journal.status().done[index]?.receipt === null) await passGate(attempt, phase, result);
  }
  await closeRun(attempt);
}

/** The counts and digests every later claim is measured against: taken once, before the first phase of the first start. */
async function takeCensusBefore({ journal, ports }: Attempt): Promise<void> {
  const server = await ports.database.readServerFacts();
  const tables = await ports.database.readTableCensus();
  await journal.append({ kind: "census_before", system_identifier: server.systemIdentifier, counters: { reset_at: server.statisticsResetAt, counted: server.countsTracked }, tables: tables.map((table) => ({ ...table })) });
}

async function performPhase(attempt: Attempt, phase: Phase, number: number): Promise<PhaseResult> {
  const { run, ports, journal, folder, checkpoints, outputs } = attempt;
  checkpoints.pass("before_phase", phase.name);
  const startedMs = ports.clock.monotonicMs();
  await journal.append({ kind: "phase_started", phase: phase.name, number });
  ports.reporter.report({ kind: "phase_started", phase: phase.name, number });
  checkpoints.pass("intent_recorded", phase.name);
  const decided = await takeDecision(attempt, phase);
  const observed = await phase.observe(toReadPorts(attempt), outputs);
  checkpoints.pass("observed", phase.name);
  const refusals = toRefusals(observed.verdict);
  const [first] = refusals;
  if (run.facts.mode === "live" && first !== undefined) throw new CutterError(first.code, first.facts);
  if (run.facts.mode === "live" && observed.apply !== null) await armPhase(run.facts.runId, phase.name);
  const result = observed.rehearse();
  const outputSha256 = await folder.writeOutput(number, phase.name, result.output);
  for (const file of result.files) await folder.write(file.name, file.content);
  checkpoints.pass("output_written", phase.name);
  const durationMs = Math.round(ports.clock.monotonicMs() - startedMs);
  const wouldRefuse = [...decided, ...refusals.map(toRecordedRefusal)];
  await journal.append({ kind: "phase_done", phase: phase.name, number, output_sha256: outputSha256, would_refuse: wouldRefuse, duration_ms: durationMs });
  outputs.set(phase.name, result.output);
  ports.reporter.report({ kind: "phase_done", phase: phase.name, number, durationMs, summary: result.text.summary, wouldRefuse: wouldRefuse.map((refusal) => refusal.code) });
  if (durationMs > run.facts.config.phase_soft_cap_minutes * 60_000) {
    ports.reporter.report({ kind: "warning", code: "PHASE_SOFT_CAP_PASSED", text: `${phase.name} took ${String(Math.round(durationMs / 1000))} s` });
  }
  checkpoints.pass("done_recorded", phase.name);
  return result;
}

/** The review_decision row before the phase it allows: rehearsed and journalled, never inserted in a dry run. */
async function takeDecision({ run, journal, outputs }: Attempt, phase: Phase): Promise<readonly ReturnType<typeof toRecordedRefusal>[]> {
  const step = run.decisions.find((decision) => decision.before === phase.name);
  if (step === undefined) return [];
  if (run.facts.mode === "live") await armPhase(run.facts.runId, step.gate);
  const rehearsed = rehearseDecision(step, run.facts, outputs);
  await journal.append({ kind: "decision_rehearsed", gate: step.gate, phase: phase.name, row: { ...rehearsed.row }, would_refuse: [...rehearsed.wouldRefuse] });
  return rehearsed.wouldRefuse;
}

async function passGate(attempt: Attempt, phase: Phase, result: PhaseResult): Promise<void> {
  const { run, ports, journal, folder, checkpoints } = attempt;
  const done = journal.status().done.find((candidate) => candidate.phase === phase.name);
  if (done === undefined) throw new Error(`${phase.name} is not done`);
  const decision = journal.status().decisions.find((candidate) => candidate.phase === phase.name) ?? null;
  const document = toPhaseDocument({ run: run.facts, done, text: result.text, decision, witness: journal.witness(done.seq) });
  await folder.write(`documents/${toPhaseStem(done.number, phase.name)}.md`, document.body);
  const waitAtMostMs = Math.min(run.facts.config.phase_soft_cap_minutes * 60_000, checkpoints.leftMs());
  const receipt = await passInternalGate({ phase: phase.name, document, knowledgeBase: ports.knowledgeBase, clock: ports.clock, reporter: ports.reporter, waitAtMostMs, signal: run.signal });
  checkpoints.pass("uploaded", phase.name);
  await journal.append({ kind: "receipt", phase: phase.name, document_id: receipt.id, revision: receipt.revision, sha256: receipt.sha256 });
  ports.reporter.report({ kind: "gate_passed", phase: phase.name, documentId: receipt.id, revision: receipt.revision });
  checkpoints.pass("receipt_recorded", phase.name);
}

/** Phases get this and nothing else: no files, no journal, no way to store a document. */
function toReadPorts({ run, ports, journal }: Attempt): ReadPorts {
  const status = journal.status();
  if (status.before === null) throw new Error("no census before the first phase");
  const { knowledgeBase } = ports;
  return {
    run: run.facts,
    history: { before: status.before, done: status.done, connections: status.connections, killedAttempts: status.killedAttempts, decided: {} },
    database: ports.database,
    recorders: ports.recorders,
    knowledgeBase: { kind: knowledgeBase.kind, read: (id) => knowledgeBase.read(id), list: (prefix) => knowledgeBase.list(prefix) },
    dumpSource: ports.dumpSource,
    encryptor: ports.encryptor,
    clock: ports.clock,
    readKillSwitch: ports.readKillSwitch,
  };
}

function refuseOtherInputs(run: Run, journal: Journal): void {
  const started = journal.status().started;
  if (started === null) return;
  const begun = { run_id: started.run_id, document_id: started.document_id, mode: started.mode, ...started.inputs };
  const now = { run_id: run.facts.runId, document_id: run.facts.documentId, mode: run.facts.mode, ...run.inputs };
  // A run that is done is not touched any more: asking for it again is harmless under a newer release or configuration.
  const judged = journal.status().finished === null ? (Object.keys(begun) as (keyof typeof begun)[]) : (["run_id", "document_id", "mode"] as const);
  const changed = judged.filter((name) => begun[name] !== now[name]);
  if (changed.length > 0) throw new CutterError("RUN_INPUTS_CHANGED", { run_id: run.facts.runId, changed });
}

async function readOutputs(run: Run, folder: RunFolder, journal: Journal): Promise<Map<string, unknown>> {
  const outputs = new Map<string, unknown>();
  for (const done of journal.status().done) {
    const expected = run.phases[done.number - 1]?.name;
    if (expected !== done.phase) throw new CutterError("RUN_INPUTS_CHANGED", { run_id: run.facts.runId, changed: ["phases"] });
    outputs.set(done.phase, await folder.readOutput(done.number, done.phase, done.outputSha256));
  }
  return outputs;
}

function toCurrentOutcome(from: { readonly run: Run; readonly journal: Journal; readonly outputs: PhaseOutputs; readonly folder: RunFolder }, replay: boolean): RunOutcome {
  return toOutcome({ run: from.run.facts, status: from.journal.status(), outputs: from.outputs, folder: from.folder.path, replay, next: toStanding(from.run, from.journal) });
}

/** The phase it stands in, or before; null once all have their receipts. */
function toStanding(run: Run, journal: Journal): string | null {
  const { done } = journal.status();
  return done.find((phase) => phase.receipt === null)?.phase ?? run.phases[done.length]?.name ?? null;
}
