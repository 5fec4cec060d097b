// What the approval commands read: keys somebody named, what a dry run of this host settled, and whether a paper could be used at all.
import { loadConfig } from "../config/load.ts";
import { toRulingScope, type HostScope, type RulingScope } from "../core/approval/scope.ts";
import { acceptableCodes, toUnaccepted, type ApprovalGate } from "../core/approval/schema.ts";
import type { PinnedKeyFile } from "../core/approval/verify.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError, type Facts } from "../core/errors.ts";
import { hasWritten } from "../core/journal/live.ts";
import { dryRunSuffix, parseRunId, toDryRunId } from "../core/run-id.ts";
import { findRunFolder } from "../engine/kernel/run-folder.ts";
import { readRun, type RecordedRun } from "../engine/records/read-run.ts";
import { readDryRun, type DryRun } from "../trust/dry-run.ts";
import { readPlainFile } from "../trust/plain-file.ts";
import type { Files } from "../ports/files.ts";
import type { Services } from "./context.ts";

const keyBytesMax = 64 * 1024;
const signatureBytesMax = 64 * 1024;
const runbookBytesMax = 4 * 1024 * 1024;

/** A key given by the reader, with the fingerprint the reader trusts; blanks between its groups are gpg's way to print it. */
export async function readGivenKey(files: Files, file: string, fingerprint: string): Promise<PinnedKeyFile> {
  return {
    bytes: await readPlainFile(files, file, keyBytesMax),
    pin: { fingerprint: fingerprint.replaceAll(" ", "").toUpperCase(), fileSha256: null },
  };
}

interface SignatureFiles {
  readonly signatureFiles: readonly string[];
  readonly signatures: readonly Uint8Array[]; // in the same order
}

/**
 * The signatures that are named; else those that lie beside the document as gpg and the drafts' commands call them.
 * @throws APPROVAL_UNREADABLE
 */
export async function readSignatures(files: Files, file: string, named: readonly string[] | undefined): Promise<SignatureFiles> {
  const beside: string[] = [];
  for (const name of [`${file}.asc`, `${file}.sovereign.asc`, `${file}.architect.asc`])
    if (named === undefined && (await files.facts(name)) !== null) beside.push(name);
  const signatureFiles = named ?? beside;
  return { signatureFiles, signatures: await Promise.all(signatureFiles.map((name) => readPlainFile(files, name, signatureBytesMax))) };
}

/** What an approval of a run has to name, rebuilt from this host. */
export interface ApprovalFacts extends DryRun, HostScope {}

/** @throws RUN_ID_INVALID, APPROVAL_DRY_RUN_UNFIT, RELEASE_UNKNOWN, CONFIG_* */
export async function readApprovalFacts(services: Services, wanted: string): Promise<ApprovalFacts> {
  const runId = parseRunId(wanted, { allowDryRunSuffix: false });
  const config = await loadConfig(services.files, services.paths.config);
  const dryRun = await readDryRun(services.files, config.value.sidecar_root, runId);
  const release = await services.readRelease();
  const host = await services.readHostIdentity();
  if (release.sha256 === null) throw new CutterError("RELEASE_UNKNOWN", { root: release.root });
  if (host === null)
    throw new CutterError("APPROVAL_DRY_RUN_UNFIT", {
      run_id: toDryRunId(runId),
      problem: "this machine has no /etc/machine-id, so no host can be named",
    });
  return { ...dryRun, host, releaseSha256: release.sha256 };
}

/** What a ruling names besides. @throws CONFIG_*, APPROVAL_UNREADABLE */
export async function readRulingScope(services: Services, rollbackRunbook: string): Promise<RulingScope> {
  const { value } = await loadConfig(services.files, services.paths.config);
  const runbook = await readPlainFile(services.files, rollbackRunbook, runbookBytesMax);
  return toRulingScope(value, sha256Hex(runbook));
}

/**
 * Looks at the runs on this host alone: what another host wrote, the live run itself finds.
 * @throws SIGN_NOTHING, JOURNAL_*
 */
export async function requireUsable(services: Services, gate: ApprovalGate, { run, wouldRefuse }: ApprovalFacts): Promise<void> {
  const { sidecar_root: sidecarRoot } = (await loadConfig(services.files, services.paths.config)).value;
  const own =
    (await findRunFolder(services.files, sidecarRoot, run.runId)) === null ? null : await readOwn(services, gate, sidecarRoot, run.runId);
  const refuse = (facts: Facts & { readonly reason: string }): CutterError =>
    new CutterError("SIGN_NOTHING", { run_id: run.runId, document_id: run.documentId, gate, ...facts });
  const closed = own === null ? null : toClosed(own);
  if (gate === "REVERT") {
    if (closed !== null && own?.revert?.complete === true) throw refuse({ reason: "run_closed", ...closed });
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

/** A journal that cannot be read must not close the way back: the revert asks the database. @throws JOURNAL_* for other gates */
async function readOwn(services: Services, gate: ApprovalGate, sidecarRoot: string, runId: string): Promise<RecordedRun | null> {
  return await readRun(services.files, sidecarRoot, runId).catch((error: unknown) => {
    if (gate === "REVERT" && error instanceof CutterError && error.code === "JOURNAL_DAMAGED") return null;
    throw error;
  });
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
