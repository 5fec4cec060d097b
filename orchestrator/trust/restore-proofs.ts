// The restore proofs kept on this host that verify now: by the sovereign's key pinned here, for this host and for the key a backup is
// encrypted to.
import type { PinnedKeyFile } from "../core/approval/verify.ts";
import { CutterError } from "../core/errors.ts";
import { restoreProofFiles, verifyRestoreProof, type VerifiedRestoreProof } from "../core/gaps/restore-proof.ts";
import type { Files } from "../ports/files.ts";
import { readHostKey, type KeyPaths } from "./host-keys.ts";
import { readPlainFile } from "./plain-file.ts";

const proofBytesMax = 128 * 1024;

/**
 * Null when this process may not see them, or no sovereign's key can be had to judge them by: root alone can. A proof that does not verify
 * is left out; the survey tells why.
 */
export async function readAcceptedRestoreProofs(
  files: Pick<Files, "read" | "facts" | "list">,
  paths: KeyPaths & { readonly restoreProofs: string },
  expected: { readonly host: string; readonly recipient: string },
  now: Date,
): Promise<readonly VerifiedRestoreProof[] | null> {
  try {
    const sovereign = await readHostKey(files, paths, "sovereign");
    if (sovereign === null) return null;
    const names = (await files.list(paths.restoreProofs)) ?? [];
    const proofs = await Promise.all(names.map((name) => readProof(files, `${paths.restoreProofs}/${name}`, sovereign, expected, now)));
    return proofs.filter((proof) => proof !== null);
  } catch (error) {
    if (error instanceof CutterError || isDenied(error)) return null;
    throw error;
  }
}

async function readProof(
  files: Pick<Files, "read" | "facts">,
  folder: string,
  sovereign: PinnedKeyFile,
  expected: { readonly host: string; readonly recipient: string },
  now: Date,
): Promise<VerifiedRestoreProof | null> {
  try {
    const document = await readPlainFile(files, `${folder}/${restoreProofFiles.document}`, proofBytesMax);
    const signature = await readPlainFile(files, `${folder}/${restoreProofFiles.signature}`, proofBytesMax);
    return await verifyRestoreProof({ document, signature, sovereign, expected, now });
  } catch (error) {
    if (error instanceof CutterError) return null;
    throw error;
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM");
}
