// The public keys pinned on this host, as `pulumi up` put them there; for the commands of root, who alone may read the ownership manifest.
import type { Keys, PinnedKeyFile } from "../core/approval/verify.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { toOwnershipClaims } from "../core/gaps/evidence.ts";
import { readFingerprint } from "../core/signing/signature.ts";
import type { Files } from "../ports/files.ts";
import { readPlainFile } from "./plain-file.ts";

const keyBytesMax = 64 * 1024;
const manifestBytesMax = 4 * 1024 * 1024;

export interface KeyPaths {
  readonly keys: string;
  readonly ownership: string;
}

/**
 * The keys `pulumi up` put on this host after it had judged them against the stack's pins. What pins them here is the digest in the
 * ownership manifest, which root alone may read. An architect's key that was pinned and is gone is a refusal: else one human would do.
 * @throws APPROVAL_KEY_NOT_PINNED, KEY_FILE_CHANGED, KEY_NOT_ONE_PUBLIC_KEY
 */
export async function readHostKeys(files: Pick<Files, "read" | "facts">, paths: KeyPaths): Promise<Keys> {
  const sovereign = await readHostKey(files, paths, "sovereign");
  if (sovereign === null)
    throw new CutterError("APPROVAL_KEY_NOT_PINNED", { file: `${paths.keys}/sovereign.asc`, problem: "the stack pins no sovereign key" });
  return { sovereign, architect: await readHostKey(files, paths, "architect") };
}

/** One role's key; null when none is pinned and none stands there. @throws as `readHostKeys` */
export async function readHostKey(
  files: Pick<Files, "read" | "facts">,
  paths: KeyPaths,
  role: "sovereign" | "architect" | "backup",
): Promise<PinnedKeyFile | null> {
  const manifest = await readPlainFile(files, paths.ownership, manifestBytesMax).catch((cause: unknown) => {
    const problem = cause instanceof CutterError ? (cause.facts["problem"] ?? null) : null;
    throw new CutterError("APPROVAL_KEY_NOT_PINNED", { manifest: paths.ownership, problem }, { cause });
  });
  const file = `${paths.keys}/${role}.asc`;
  const pinned = toOwnershipClaims(Buffer.from(manifest).toString("utf8").split("\n")).get(file)?.contentSha256;
  const facts = await files.facts(file);
  if (pinned === undefined && facts === null) return null;
  if (pinned === undefined)
    throw new CutterError("APPROVAL_KEY_NOT_PINNED", { file, problem: "it stands there, but the ownership manifest does not pin it" });
  if (facts?.kind !== "file") throw new CutterError("APPROVAL_KEY_NOT_PINNED", { file, problem: "it is pinned, but not there as a file" });
  const bytes = await readPlainFile(files, file, keyBytesMax);
  const found = sha256Hex(bytes);
  if (found !== pinned) throw new CutterError("KEY_FILE_CHANGED", { file, expected_sha256: pinned, found_sha256: found });
  return { bytes, pin: { fingerprint: await readFingerprint(bytes), fileSha256: pinned } };
}
