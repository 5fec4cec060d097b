// The backup of a run, and what is known of the one thing no proof of ours can show: that its owner can still decrypt it. Pure.
import { paragraph, table, type Block } from "../page/page.ts";
import type { RunAccount } from "./account.ts";

/** A signed restore proof that verifies now. */
export interface OwnersProof {
  readonly runId: string; // whose backup was decrypted
  readonly recipient: string; // fingerprint of the key
  readonly backupSha256: string; // of the ciphertext
  readonly performedAt: string; // ISO 8601 UTC
  readonly signer: string; // fingerprint
}

export function toBackup({ backup, mode }: RunAccount, proofs: readonly OwnersProof[] | null): readonly Block[] {
  if (backup === null) return [paragraph("No backup was made.")];
  const rows = [
    ["Encrypted to", backup.recipientFingerprint],
    ["Key ids in the packets", backup.recipientKeyIds.join(" ") || "none"],
    ["File", backup.file ?? "kept nowhere"],
    ["sha256 of the ciphertext", backup.sha256 ?? "none"],
    ["Bytes", backup.bytes === null ? "none" : String(backup.bytes)],
    ...(mode === "live"
      ? [
          ["Tables in the archive", backup.archiveEntries === null ? "not listed" : String(backup.archiveEntries)],
          [
            "Restored for comparison",
            backup.restoredInto === null
              ? "no: no scratch database is configured"
              : `into ${backup.restoredInto}, digest equal to from_digest`,
          ],
        ]
      : []),
  ];
  if (backup.file === null)
    return [table(["What", "Value"], rows), paragraph("The dump was streamed and encrypted, and ended nowhere: a dry run keeps no file.")];
  return [
    table(["What", "Value"], rows),
    paragraph(
      "Proven before anything was written: the bytes on disk were decrypted with a key made for this run and destroyed since, " +
        "and their archive was listed.",
    ),
    paragraph(toOwnersWord(backup, proofs).text),
  ];
}

/** `proven`: this very file was decrypted by its owner. */
export function toOwnersWord(
  { sha256, recipientFingerprint }: { readonly sha256: string | null; readonly recipientFingerprint: string },
  proofs: readonly OwnersProof[] | null,
): { readonly proven: boolean; readonly text: string } {
  const fitting = (proofs ?? [])
    .filter(({ recipient }) => recipient === recipientFingerprint)
    .toSorted((left, right) => right.performedAt.localeCompare(left.performedAt));
  const own = fitting.find(({ backupSha256 }) => backupSha256 === sha256);
  if (own !== undefined)
    return {
      proven: true,
      text: `The owner decrypted this very backup on ${own.performedAt}; the accepted restore proof is signed by ${own.signer}.`,
    };
  const [other] = fitting;
  if (other !== undefined)
    return {
      proven: false,
      text:
        `That the owner can decrypt this very file. With the key it is encrypted to the owner decrypted the backup of run ` +
        `${other.runId} on ${other.performedAt}; that restore proof is accepted and signed by ${other.signer}.`,
    };
  return {
    proven: false,
    text:
      "That the owner can still decrypt the backup: only the holder of the private key can show it" +
      `${proofs === null ? "; whether a restore proof is kept on the host only root can see" : " (runbooks/restore-proof)"}.`,
  };
}
