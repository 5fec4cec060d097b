// After the last phase: the runs index, and the end of the journal.
import { putIndexEntry } from "../uploads/runs-index.ts";
import { toOutcome, toCertificateReasons, toCertificateVerdict } from "./records/outcome.ts";
import type { Attempt } from "./kernel/attempt.ts";

/** May be repeated: an index line is written once a run, whatever interrupts it. */
export async function closeRun(attempt: Attempt): Promise<void> {
  const { run, journal, outputs, ports } = attempt;
  // The certificate says that nothing was written: a live run's proof is another, in its closeout.
  const last = run.phases.at(-1);
  const output = last === undefined ? null : outputs.get(last.name);
  const certificate = run.facts.mode === "live" ? null : toCertificateVerdict(output);
  if (!journal.status().indexWritten) await writeIndexEntry(attempt, certificate ?? "none");
  await journal.append({ kind: "run_finished", result: "done", certificate, exit_code: certificate === "fail" ? 70 : 0 });
  if (certificate === "inconclusive")
    ports.reporter.report({ kind: "warning", code: "CERTIFICATE_INCONCLUSIVE", text: toCertificateReasons(output).join("; ") });
  if (certificate === "fail")
    ports.reporter.report({ kind: "warning", code: "DRY_RUN_WROTE", text: "the certificate fails: this run wrote to the database" });
}

async function writeIndexEntry({ run, journal, ports, outputs, folder, checkpoints }: Attempt, certificate: string): Promise<void> {
  const { config, runId, documentId, mode } = run.facts;
  const id = config.kb_runs_index_path;
  const outcome = toOutcome({ run: run.facts, status: journal.status(), outputs, folder: folder.path, replay: false, next: null });
  const entry = {
    runId,
    documentId,
    mode,
    result: "done",
    certificate,
    payloadSha: outcome.payload_sha,
    finishedAt: ports.clock.now().toISOString(),
    folderId: `${config.kb_runs_folder}/${runId.toLowerCase()}`,
  };
  const waitAtMostMs = Math.min(config.phase_soft_cap_minutes * 60_000, checkpoints.remainingMs());
  const lock = () => ports.locks.acquire(runId, `runs index ${id}`);
  const receipt = await putIndexEntry({
    id,
    entry,
    knowledgeBase: ports.knowledgeBase,
    lock,
    clock: ports.clock,
    reporter: ports.reporter,
    waitAtMostMs,
    signal: run.signal,
  });
  await journal.append({ kind: "index_written", document_id: receipt.id, revision: receipt.revision, sha256: receipt.sha256 });
}
