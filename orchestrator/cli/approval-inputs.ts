// What the approval commands read: keys somebody named, and what a dry run of this host settled.
import { loadConfig } from "../config/load.ts";
import { toRulingScope, type HostScope, type RulingScope } from "../core/approval/scope.ts";
import type { PinnedKeyFile } from "../core/approval/verify.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { parseRunId, toDryRunId } from "../core/run-id.ts";
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
