// The emergency revert of one run, once: judge, compare, back up, one transaction, look again with another login, tell the knowledge base.
import type { VerifiedApproval } from "../../core/approval/verify.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { CutterError } from "../../core/errors.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { toDifferences, type TableDifference } from "../../core/revert/differences.ts";
import { uploadWithReceipt } from "../../uploads/receipt.ts";
import type { RevertState } from "../../ports/revert-database.ts";
import { toRevertDocument } from "./document.ts";
import { openRevertJournal, type RevertJournal } from "./journal.ts";
import { verifyRevertApproval, requireRunInactive, requireStillStaged, type RevertInputs } from "./verify.ts";
import type { RevertOutcome } from "./outcome.ts";
import { permitRevert } from "./permission.ts";
import { keepRevertInputs, toRecordedFacts, writeRevertRecords } from "./records.ts";
import type { RevertPorts } from "./ports.ts";
import { uploadApproval } from "./upload-approval.ts";
import { compareWithPlan, readRunToRevert, type RunToRevert } from "./run-to-revert.ts";

interface RevertAttempt {
  readonly revert: RevertInputs;
  readonly ports: RevertPorts;
  readonly run: RunToRevert;
  readonly approval: VerifiedApproval;
  readonly journal: RevertJournal;
  readonly folder: string; // runs/<R>/revert
}

/**
 * A revert that is done says so and changes nothing. What stops it before its journal is open is thrown, what stops it later is the
 * outcome.
 * @throws REVERT_RUN_ACTIVE, REVERT_RUN_UNKNOWN, REVERT_PLAN_UNREADABLE, REVERT_NOT_STAGED, REVERT_RUNBOOK_CHANGED, APPROVAL_*,
 * DOCUMENT_LOCKED, JOURNAL_*
 */
export async function revertRun(revert: RevertInputs, ports: RevertPorts): Promise<RevertOutcome> {
  await requireRunInactive(ports.files, revert.paths, revert.runId);
  const run = await readRunToRevert(ports.files, revert.config.sidecar_root, revert.runId);
  const approval = await verifyRevertApproval(revert, { documentId: run.plan.documentId, payloadSha: run.payloadSha }, ports.clock.now());
  const lock = await ports.locks.acquire(revert.runId, run.plan.documentId);
  try {
    const sessionLock = await ports.recorders.lockDocument(run.plan.documentId, revert.runId);
    try {
      return await withJournal(revert, ports, run, approval);
    } finally {
      await sessionLock.release();
    }
  } finally {
    // What a disk that takes nothing keeps is taken over by the next start: it must not hide what the revert came to.
    await lock.release().catch(() => ports.say("[WARN] LOCK_NOT_RELEASED the lock file stays; the next start takes it over"));
  }
}

async function withJournal(revert: RevertInputs, ports: RevertPorts, run: RunToRevert, approval: VerifiedApproval): Promise<RevertOutcome> {
  const folder = `${run.folder}/revert`;
  await ports.files.makeFolder(folder, 0o700);
  const facts = await ports.files.facts(folder);
  if (facts?.kind !== "folder" || facts.mode !== 0o700)
    throw new CutterError("RUN_FOLDER_FOREIGN", { path: folder, kind: facts?.kind ?? "absent", mode: facts?.mode.toString(8) ?? null });
  const store = ports.openJournal(`${folder}/journal.jsonl`);
  try {
    const journal = await openRevertJournal(store, `${folder}/journal.jsonl`, ports.clock);
    const attempt: RevertAttempt = { revert, ports, run, approval, journal, folder };
    await beginAttempt(attempt);
    const number = journal.status().attempt;
    const outcome = await doRevert(attempt).catch((error: unknown) => toStopped(attempt, error));
    return await recordEnd(attempt, number, outcome).catch((failure: unknown) => toUnrecorded(attempt, outcome, failure));
  } finally {
    await store.close();
  }
}

async function recordEnd(attempt: RevertAttempt, number: number, outcome: RevertOutcome): Promise<RevertOutcome> {
  await attempt.journal.append({ kind: "attempt_ended", attempt: number, code: outcome.code, facts: toRecordedFacts(outcome.facts) });
  await writeRevertRecords(attempt.ports.files, attempt.run.folder, outcome);
  return outcome;
}

/** What stopped it stays what is told; one that was done is told as what its disk left it: done in the database, not on record. */
function toUnrecorded(attempt: RevertAttempt, outcome: RevertOutcome, failure: unknown): RevertOutcome {
  const unrecorded = toStopped(attempt, failure);
  return outcome.result === "stopped" ? { ...outcome, facts: { ...outcome.facts, not_recorded: unrecorded.code } } : unrecorded;
}

/** Exit 10 says that nothing was written: after COMMIT that would be a lie (20), and while a COMMIT is unresolved nobody knows (30). */
function toStopped(attempt: RevertAttempt, error: unknown): RevertOutcome {
  if (!(error instanceof CutterError)) throw error;
  const { reverted, openTransaction } = attempt.journal.status();
  const unknown = reverted === null && openTransaction !== null && error.code !== "REVERT_COMMIT_UNKNOWN";
  const failure = unknown
    ? new CutterError(
        "REVERT_COMMIT_UNKNOWN",
        { run_id: attempt.revert.runId, transaction: openTransaction, stopped_by: error.code },
        { cause: error },
      )
    : error;
  const exitCode = reverted !== null && (failure.exitCode === 10 || failure.exitCode === 11) ? 20 : failure.exitCode;
  return { ...toDone(attempt, [], false), result: "stopped", exit_code: exitCode, code: failure.code, facts: failure.facts };
}

async function beginAttempt({ revert, ports, run, approval, journal }: RevertAttempt): Promise<void> {
  const { runId, host, releaseSha256, staged } = revert;
  await keepRevertInputs(ports.files, run.folder, revert);
  if (journal.status().started === null)
    await journal.append({ kind: "revert_started", run_id: runId, document_id: run.plan.documentId, payload_sha: run.payloadSha });
  await journal.append({
    kind: "attempt_started",
    attempt: journal.status().attempt + 1,
    pid: ports.process.pid,
    boot_id: ports.process.bootId,
    approval_sha256: approval.documentSha256,
    review_decision_id: approval.decision.review_decision_id,
    signer: approval.signers[0]?.fingerprint ?? "none",
    runbook_sha256: staged.runbook_sha256,
    release_sha256: releaseSha256,
    host_identity: host,
  });
  ports.say(
    `[INFO] revert ${runId}: approved by ${approval.signers[0]?.fingerprint ?? "none"}, document ${run.plan.documentId}, ` +
      `${String(run.plan.units.length)} units planned`,
  );
}

async function doRevert(attempt: RevertAttempt): Promise<RevertOutcome> {
  const { revert, ports, journal } = attempt;
  const state = await readState(attempt);
  requireKnown(attempt, state);
  const already = isReverted(state);
  if (!already && revert.staged.spent_before)
    throw new CutterError("APPROVAL_SPENT", { reason: "revert", run_id: revert.runId, approval_sha256: revert.staged.approval_sha256 });
  if (!already && state.decisionUsed)
    throw new CutterError("APPROVAL_SPENT", {
      reason: "revert",
      run_id: revert.runId,
      review_decision_id: attempt.approval.decision.review_decision_id,
      problem: "this UUID stands for another decision",
    });
  if (already && journal.status().reverted === null) {
    const { openTransaction } = journal.status();
    await journal.append({ kind: "reverted", units: state.unitsOfRun, found: "already_there" });
    ports.say(
      openTransaction === null
        ? `[INFO] run ${revert.runId} was reverted already, not by this journal; nothing was repeated`
        : `[INFO] transaction ${openTransaction} had committed before the last start ended: taken as done`,
    );
  } else if (!already) {
    await applyRevertOnce(attempt, state);
  }
  const differences = await verify(attempt);
  return publishRevertDocument(attempt, toDone(attempt, differences, already));
}

async function readState({ revert, ports, run, approval }: RevertAttempt): Promise<RevertState> {
  return ports.reverts.readState(run.plan.documentId, revert.runId, approval.decision.review_decision_id);
}

/** The database knows the run, by the same document and plan, and it made something. */
function requireKnown({ revert, run }: RevertAttempt, state: RevertState): void {
  const { runId } = revert;
  if (state.decisions === 0 && state.unitsOfRun === 0)
    throw new CutterError("REVERT_RUN_UNKNOWN", { run_id: runId, looked_for: "its decision in cutter_governance.review_decision" });
  if (state.unitsOfRun === 0) throw new CutterError("REVERT_NOTHING_CREATED", { run_id: runId, decisions: state.decisions });
  if (state.documentId !== run.plan.documentId)
    throw new CutterError("REVERT_ROWS_CHANGED", {
      run_id: runId,
      part: "document of SG_1's row",
      expected: run.plan.documentId,
      found: state.documentId,
    });
  if (state.payloadSha !== run.payloadSha)
    throw new CutterError("REVERT_ROWS_CHANGED", {
      run_id: runId,
      part: "payload_sha of SG_1's row",
      expected: run.payloadSha,
      found: state.payloadSha,
    });
}

function isReverted(state: RevertState): boolean {
  return state.unitsOfRun > 0 && state.stillStanding === 0 && state.revertsLogged === state.unitsOfRun;
}

/**
 * Compare, back up, one transaction. The digest read first is the one backed up and the one the transaction finds under its locks, so all
 * three saw the same rows.
 */
async function applyRevertOnce(attempt: RevertAttempt, state: RevertState): Promise<void> {
  const { revert, ports, run, approval, journal } = attempt;
  const { documentId } = run.plan;
  await storeApproval(attempt);
  const { sha256: digest } = await ports.database.readDocumentDigest(documentId, run.addresses);
  const effect = compareWithPlan(revert.runId, run, await ports.reverts.readUnits(revert.runId));
  await journal.append({ kind: "rows_compared", units: state.unitsOfRun, digest, effect });
  ports.say(`[OK]   ${String(state.unitsOfRun)} units are what the run left; digest of the document's rows ${digest}`);
  const permission = permitRevert(revert.runId, approval, async (transactionId) => {
    await journal.append({ kind: "transaction", id: transactionId });
    if (revert.signal.aborted) throw new CutterError("RUN_INTERRUPTED", { run_id: revert.runId });
    await requireStillStaged(ports.files, revert);
    await verifyRevertApproval(revert, { documentId, payloadSha: run.payloadSha }, ports.clock.now());
    await requireRunInactive(ports.files, revert.paths, revert.runId);
  });
  await backUp(attempt, digest, permission);
  const request = {
    runId: revert.runId,
    documentId,
    reviewDecisionId: approval.decision.review_decision_id,
    runbook: revert.runbook,
    expectedDigest: digest,
    plannedAddresses: run.addresses,
    expectedUnits: state.unitsOfRun,
  };
  await ports.reverts.apply(permission, request).catch(async (error: unknown) => {
    if (error instanceof CutterError && error.code === "REVERT_COMMIT_UNKNOWN") return resolveUnknownCommit(attempt, error);
    if (journal.status().openTransaction !== null) await journal.append({ kind: "rolled_back" });
    throw error;
  });
  await journal.append({ kind: "reverted", units: state.unitsOfRun, found: "committed" });
  ports.say(`[OK]   ${String(state.unitsOfRun)} units retired in one transaction`);
}

/** Before anything is done with it. An outage here is exit 11: nothing was written, the next start goes on. */
async function storeApproval({ revert, ports, approval, journal }: RevertAttempt): Promise<void> {
  const from = {
    kbRunsFolder: revert.config.kb_runs_folder,
    runId: revert.runId,
    verified: approval,
    document: revert.approval,
    signature: revert.signature,
  };
  const stored = await uploadApproval(ports, from, {
    waitAtMostMs: revert.config.phase_soft_cap_minutes * 60_000,
    signal: revert.signal,
    onWaiting: ({ since, until, seen }) =>
      ports.say(
        "[WARN] nothing is written yet; waiting for the knowledge base to take the approval, " +
          `since ${since}, until ${until} at most; seen: ${seen}`,
      ),
  });
  await journal.append({
    kind: "approval_uploaded",
    document_id: stored.approval.id,
    revision: stored.approval.revision,
    sha256: stored.approval.sha256,
    signature_id: stored.signature.id,
    signature_sha256: stored.signature.sha256,
  });
  ports.say(`[OK]   approval stored: ${stored.approval.id} revision ${String(stored.approval.revision)}`);
}

/**
 * COMMIT was sent and no answer came: the rows tell, once whoever holds the document's lock has ended.
 * @throws REVERT_COMMIT_UNKNOWN when they cannot be read, DATABASE_COMMIT_REFUSED when it did not land
 */
async function resolveUnknownCommit(attempt: RevertAttempt, unknown: CutterError): Promise<void> {
  const state = await readState(attempt).catch((cause: unknown) => {
    throw new CutterError("REVERT_COMMIT_UNKNOWN", { ...unknown.facts, transaction: attempt.journal.status().openTransaction }, { cause });
  });
  if (!isReverted(state)) {
    await attempt.journal.append({ kind: "rolled_back" });
    throw new CutterError("DATABASE_COMMIT_REFUSED", { login: "revert principal", tag: "none; the rows stand as before" });
  }
  attempt.ports.say("[WARN] no answer came to COMMIT; the rows say that it landed");
}

/**
 * Fresh for this start, proven before anything is written; another start makes another.
 * @throws BACKUP_UNPROVEN, REVERT_ROWS_CHANGED, ENCRYPTION_*, DUMP_*
 */
async function backUp(
  { revert, ports, run, journal, folder }: RevertAttempt,
  digest: string,
  permission: ReturnType<typeof permitRevert>,
): Promise<void> {
  const name = `backup-${String(journal.status().attempt)}.pgdump.gpg`;
  const snapshot = await ports.database.openSnapshot(run.plan.documentId, run.addresses);
  try {
    if (snapshot.digest.sha256 !== digest)
      throw new CutterError("REVERT_ROWS_CHANGED", {
        run_id: revert.runId,
        part: "digest of the document's rows, in the backup's snapshot",
        expected: digest,
        found: snapshot.digest.sha256,
      });
    const dump = await ports.dumpSource.open({ snapshotId: snapshot.id, tables: ports.database.backupTables });
    const made = await ports.backups.make(permission, {
      dump,
      destination: `${folder}/${name}`,
      recipientKeyFile: `${hostLayout.keys}/backup.asc`,
      recipientFingerprint: revert.config.backup_gpg_fpr,
      documentId: run.plan.documentId,
      plannedAddresses: run.addresses,
      fromDigest: digest,
    });
    await journal.append({
      kind: "backup_made",
      name,
      ciphertext_sha256: made.ciphertextSha256,
      ciphertext_bytes: made.ciphertextBytes,
      plaintext_sha256: made.plaintextSha256,
    });
    ports.say(`[OK]   backup proven: ${name}, ${String(made.ciphertextBytes)} bytes, sha256 ${made.ciphertextSha256}`);
  } finally {
    await snapshot.close();
  }
}

/** By the read-only login, after COMMIT. @throws REVERT_NOT_VERIFIED */
async function verify(attempt: RevertAttempt): Promise<readonly TableDifference[]> {
  const { revert, ports, run, journal } = attempt;
  const state = await readState(attempt);
  if (!isReverted(state))
    throw new CutterError("REVERT_NOT_VERIFIED", {
      run_id: revert.runId,
      units_of_run: state.unitsOfRun,
      still_standing: state.stillStanding,
      reverts_logged: state.revertsLogged,
    });
  const differences = toDifferences(run.before, await ports.reverts.readRest(revert.runId));
  await journal.append({
    kind: "verified",
    units: state.unitsOfRun,
    tables_equal: differences.filter(({ rest }) => rest === "equal").length,
    tables_not_equal: differences.filter(({ rest }) => rest !== "equal").map(({ table, rest }) => `${table} ${rest}`),
    tables: differences.map(({ table, rowsOfRun, restRows, rest }) => ({ table, rows_of_run: rowsOfRun, rest_rows: restRows, rest })),
  });
  return differences;
}

function toDone(
  { revert, run, approval, journal, folder }: RevertAttempt,
  differences: readonly TableDifference[],
  already: boolean,
): RevertOutcome {
  const { reverted, backup, transactionId } = journal.status();
  return {
    schema: "cutter.revert/1",
    run_id: revert.runId,
    document_id: run.plan.documentId,
    result: already ? "already_reverted" : "reverted",
    exit_code: 0,
    code: null,
    facts: {},
    payload_sha: run.payloadSha,
    units: reverted?.units ?? null,
    reverted_at: reverted?.at ?? null,
    transaction_id: transactionId,
    approval: {
      sha256: approval.documentSha256,
      review_decision_id: approval.decision.review_decision_id,
      signer: approval.signers[0]?.fingerprint ?? "none",
    },
    backup:
      backup === null
        ? null
        : { file: `${folder}/${backup.name}`, ciphertext_sha256: backup.ciphertext_sha256, ciphertext_bytes: backup.ciphertext_bytes },
    differences,
    document: null,
    waits_on: null,
    folder,
  };
}

/** What was told once is not told again; an outage after COMMIT is exit 20: written, and the next start uploads. */
async function publishRevertDocument({ revert, ports, journal, folder }: RevertAttempt, outcome: RevertOutcome): Promise<RevertOutcome> {
  const { receipt } = journal.status();
  if (receipt !== null) return { ...outcome, document: { id: receipt.document_id, revision: receipt.revision, sha256: receipt.sha256 } };
  const document = toRevertDocument({
    outcome,
    kbRunsFolder: revert.config.kb_runs_folder,
    runbookSha256: sha256Hex(revert.runbook),
    journal: journal.head(),
  });
  await ports.files.writeAtomic(`${folder}/revert.md`, document.body, 0o600);
  try {
    const stored = await uploadWithReceipt(ports.knowledgeBase, document, ports.clock, {
      waitAtMostMs: revert.config.phase_soft_cap_minutes * 60_000,
      signal: revert.signal,
      onWaiting: ({ since, until, seen }) =>
        ports.say(
          "[WARN] the revert is committed; waiting for the knowledge base to take its document, " +
            `since ${since}, until ${until} at most; seen: ${seen}`,
        ),
    });
    await journal.append({ kind: "receipt", document_id: stored.id, revision: stored.revision, sha256: stored.sha256 });
    return { ...outcome, document: stored };
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    return { ...outcome, result: "waiting", exit_code: 20, code: error.code, facts: error.facts, waits_on: "knowledge_base" };
  }
}
