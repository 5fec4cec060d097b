// The draft of a restore proof and the commands for the machine that holds the backup key. Pure. The archive's digest stands nowhere in it:
// only decrypting gives it.
import { restoreProofBlock } from "./restore-proof.ts";

export interface DraftedBackup {
  readonly runId: string;
  readonly host: string; // machine identity
  readonly recipient: string; // fingerprint of the backup key
  readonly file: string; // on the host
  readonly sha256: string; // of the encrypted file
}

export interface RestoreProofDraft {
  readonly document: string;
  readonly commands: readonly string[]; // in their order; plain POSIX shell, sha256sum and gpg
}

/** `at` says how the backup is fetched and what the draft is called beside it. */
export function toRestoreProofDraft(
  backup: DraftedBackup,
  at: { readonly user: string; readonly host: string; readonly port: number; readonly document: string },
): RestoreProofDraft {
  const proof = {
    schema: "cutter.restore-proof/1",
    run_id: backup.runId,
    host: backup.host,
    recipient: backup.recipient,
    backup_sha256: backup.sha256,
    archive_sha256: "@ARCHIVE_SHA256@",
    performed_at: "@PERFORMED_AT@",
  };
  const document = `# Restore proof: the backup of run ${backup.runId}

The encrypted backup named below was decrypted with the owner's offline key.

\`\`\`${restoreProofBlock}
${JSON.stringify(proof, null, 2)}
\`\`\`

\`archive_sha256\` is the digest of what the file decrypts to. The host recorded it when the backup was made and compares.
This shows that the key is there, that its passphrase is known, and that the file can be read. It restores nothing.
`;
  const name = `${backup.runId}.dump.gpg`;
  return {
    document,
    commands: [
      `scp -P ${String(at.port)} ${at.user}@${at.host}:${backup.file} ${name}`,
      `echo "${backup.sha256}  ${name}" | sha256sum --check`,
      `gpg --decrypt --output ${backup.runId}.dump ${name}`,
      `sed -i "s/@ARCHIVE_SHA256@/$(sha256sum < ${backup.runId}.dump | cut -c1-64)/; s/@PERFORMED_AT@/$(date -u ` +
        `+%Y-%m-%dT%H:%M:%SZ)/" ${at.document}`,
      `rm ${backup.runId}.dump`,
      `gpg --armor --detach-sign --local-user SOVEREIGN_KEY ${at.document}`,
    ],
  };
}
