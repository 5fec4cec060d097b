// keep-restore-proof R: root judges a signed restore proof against the backup of run R as its phase recorded it, and keeps it where the
// survey looks.
import { rmSync } from "node:fs";
import { z } from "zod";
import { approvalBytesMax } from "../../core/approval/block.ts";
import { CutterError } from "../../core/errors.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { toPhaseStem } from "../../core/knowledge-base/phase-document-id.ts";
import { restoreProofArchive, restoreProofFiles, toRestoreStaging, verifyRestoreProof } from "../../core/gaps/restore-proof.ts";
import { parseRunId, type RunId } from "../../core/run-id.ts";
import { readHostKey, readHostKeys } from "../../trust/host-keys.ts";
import { requireHostIdentity } from "../../trust/host-scope.ts";
import { readPlainFile } from "../../trust/plain-file.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { hostFiles } from "../files/host-files.ts";
import { archiveDocument } from "../state/archive-document.ts";
import { readSafeFile } from "../files/safe-file.ts";
import { readConfig } from "../files/settings.ts";

export interface ArchivedRestoreProof {
  readonly schema: "cutter.restore-proof-kept/1";
  readonly run_id: string;
  readonly performed_at: string;
  readonly signer: string;
  readonly document_sha256: string;
}

const signatureBytesMax = 64 * 1024;
const outputBytesMax = 4 * 1024 * 1024;
const outputSchema = z.looseObject({ proven: z.looseObject({ ciphertextSha256: z.string(), plaintextSha256: z.string() }).nullable() });

/**
 * Verifies what is staged, compares both digests with the run's own record, keeps the document and its signature, and takes the staged
 * files away.
 * @throws RUN_ID_INVALID, RESTORE_PROOF_REFUSED, RESTORE_PROOF_NO_BACKUP, APPROVAL_*, KEY_*, CONFIG_INVALID, HOST_FILE_*
 */
export async function archiveRestoreProof(host: Host, idText: string, now: Date): Promise<ArchivedRestoreProof> {
  const runId = parseRunId(idText, { allowDryRunSuffix: false });
  try {
    return await verifyAndArchive(host, runId, now);
  } finally {
    rmSync(toHostPath(host, toRestoreStaging(runId)), { recursive: true, force: true });
  }
}

async function verifyAndArchive(host: Host, runId: RunId, now: Date): Promise<ArchivedRestoreProof> {
  const files = hostFiles(host);
  const staged = (name: string, maxBytes: number): Buffer =>
    readSafeFile(host, `${toRestoreStaging(runId)}/${name}`, { forbidden: 0o077, maxBytes });
  const document = staged(restoreProofFiles.document, approvalBytesMax);
  const signature = staged(restoreProofFiles.signature, signatureBytesMax);
  const { sovereign } = await readHostKeys(files, hostLayout);
  const backupKey = await readHostKey(files, hostLayout, "backup");
  if (backupKey === null)
    throw new CutterError("APPROVAL_KEY_NOT_PINNED", { file: `${hostLayout.keys}/backup.asc`, problem: "the stack pins no backup key" });
  const identity = await requireHostIdentity(files);
  const verified = await verifyRestoreProof({
    document,
    signature,
    sovereign,
    expected: { host: identity, recipient: backupKey.pin.fingerprint },
    now,
  });
  await requireBackup(files, readConfig(host).sidecar_root, runId, verified.proof);
  archiveDocument(
    host,
    restoreProofArchive,
    verified.documentSha256,
    new Map([
      [restoreProofFiles.document, document],
      [restoreProofFiles.signature, signature],
    ]),
  );
  return {
    schema: "cutter.restore-proof-kept/1",
    run_id: runId,
    performed_at: verified.proof.performed_at,
    signer: verified.signer,
    document_sha256: verified.documentSha256,
  };
}

/**
 * What pre_write_backup left as its output: the archive's digest stands in no draft, so whoever names it has decrypted the file, or has
 * read the host's record.
 */
async function requireBackup(
  files: ReturnType<typeof hostFiles>,
  sidecarRoot: string,
  runId: RunId,
  proof: { readonly run_id: string; readonly backup_sha256: string; readonly archive_sha256: string },
): Promise<void> {
  const refuse = (field: string, expected: string, found: string): CutterError =>
    new CutterError("RESTORE_PROOF_REFUSED", { field, expected, found });
  if (proof.run_id !== runId) throw refuse("run_id", runId, proof.run_id);
  const file = `${sidecarRoot}/${runId}/outputs/${toPhaseStem(4, "pre_write_backup")}.json`;
  const bytes = (await files.facts(file)) === null ? null : await readPlainFile(files, file, outputBytesMax);
  const { proven } = bytes === null ? { proven: null } : outputSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  if (proven === null) throw new CutterError("RESTORE_PROOF_NO_BACKUP", { run_id: runId, looked_for: file });
  if (proof.backup_sha256 !== proven.ciphertextSha256) throw refuse("backup_sha256", proven.ciphertextSha256, proof.backup_sha256);
  // The expected digest is not told: it is what the proof has to bring.
  if (proof.archive_sha256 !== proven.plaintextSha256)
    throw refuse("archive_sha256", "the digest of what pg_dump gave out", proof.archive_sha256);
}
