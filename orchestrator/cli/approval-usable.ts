// Whether a paper that somebody signs for a run now could be used at all: told before people are asked to sign.
import { loadConfig } from "../config/load.ts";
import { acceptableCodes, toUnaccepted, type ApprovalGate } from "../core/approval/schema.ts";
import { CutterError, type Facts } from "../core/errors.ts";
import { hasWritten } from "../core/journal/live.ts";
import { dryRunSuffix } from "../core/run-id.ts";
import { findRunFolder } from "../engine/kernel/run-folder.ts";
import { readRun, type RecordedRun } from "../engine/records/read-run.ts";
import type { ApprovalFacts } from "./approval-inputs.ts";
import type { Services } from "./context.ts";

/**
 * Looks at the runs on this host alone: what another host wrote, the live run itself finds.
 * @throws SIGN_NOTHING, JOURNAL_*
 */
export async function requireUsable(services: Services, gate: ApprovalGate, { run, wouldRefuse }: ApprovalFacts): Promise<void> {
  const { sidecar_root: sidecarRoot } = (await loadConfig(services.files, services.paths.config)).value;
  const own =
    (await findRunFolder(services.files, sidecarRoot, run.runId)) === null ? null : await readRun(services.files, sidecarRoot, run.runId);
  const refuse = (facts: Facts & { readonly reason: string }): CutterError =>
    new CutterError("SIGN_NOTHING", { run_id: run.runId, document_id: run.documentId, gate, ...facts });
  const closed = own === null ? null : toClosed(own);
  if (gate === "REVERT") {
    if (closed?.how === "reverted") throw refuse({ reason: "run_closed", ...closed });
    return;
  }
  if (closed !== null) throw refuse({ reason: "run_closed", ...closed });
  if (gate === "SG_3" || (own !== null && hasWritten(own.status))) {
    // Its claim holds the document, and what the dry run found is behind it. SG_1 was used: its row stands.
    if (gate === "SG_1" && own?.status.effects.SG_1.state === "done") throw refuse({ reason: "gate_used" });
    return;
  }
  // What a ruling may accept is the ruling's to say.
  const codes = toUnaccepted(wouldRefuse, acceptableCodes);
  if (codes.length > 0) throw refuse({ reason: "would_refuse", codes });
  await requireNotMoved(services, sidecarRoot, run, refuse);
}

function toClosed({ status, revert }: RecordedRun): { readonly how: string; readonly at: string | null } | null {
  if (revert?.state === "reverted") return { how: "reverted", at: revert.revertedAt };
  if (status.voided !== null) return { how: "given up", at: status.voided.at };
  return status.finished === null ? null : { how: "done", at: status.lastEnd?.at ?? null };
}

/** Another live run of the document that wrote after this dry run began: the rows that the plan starts from are others by now. */
async function requireNotMoved(
  { files }: Services,
  sidecarRoot: string,
  { runId, documentId }: ApprovalFacts["run"],
  refuse: (facts: Facts & { readonly reason: string }) => CutterError,
): Promise<void> {
  const dryRun = await readRun(files, sidecarRoot, `${runId}${dryRunSuffix}`);
  const begunAt = dryRun.status.started?.at ?? "";
  for (const name of (await files.list(sidecarRoot)) ?? []) {
    if (name === runId || name.endsWith(dryRunSuffix)) continue;
    const other = await readRun(files, sidecarRoot, name).catch((error: unknown) => {
      if (error instanceof CutterError) return null; // damaged: its own status says so
      throw error;
    });
    if (other?.status.started?.document_id !== documentId || !hasWritten(other.status)) continue;
    const closed = toClosed(other);
    if (closed === null) throw refuse({ reason: "document_claimed", by_run: name });
    if ((other.lastAt ?? "") >= begunAt || (other.revert?.revertedAt ?? "") >= begunAt)
      throw refuse({ reason: "rows_moved_since", by_run: name, by_run_is: closed.how, dry_run_begun: begunAt });
  }
}
