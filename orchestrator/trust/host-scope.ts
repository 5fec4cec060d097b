// Which host this is and which release stands on it, read from the host itself: what root holds a signed document against.
import type { HostScope } from "../core/approval/scope.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { machineIdFile, toHostIdentity } from "../core/host/identity.ts";
import { hostLayout } from "../core/host/layout.ts";
import { manifestName } from "../core/host/release-manifest.ts";
import type { Files } from "../ports/files.ts";

/** @throws HOST_FILE_MISSING without a machine id, RELEASE_UNKNOWN */
export async function readHostScope(files: Pick<Files, "read">): Promise<HostScope> {
  const host = await requireHostIdentity(files);
  const manifest = await files.read(`${hostLayout.current}/${manifestName}`);
  if (manifest === null) throw new CutterError("RELEASE_UNKNOWN", { root: hostLayout.current });
  return { host, releaseSha256: sha256Hex(manifest) };
}

/** @throws HOST_FILE_MISSING */
export async function requireHostIdentity(files: Pick<Files, "read">): Promise<string> {
  const host = toHostIdentity(Buffer.from((await files.read(machineIdFile)) ?? []).toString("latin1"));
  if (host === null) throw new CutterError("HOST_FILE_MISSING", { file: machineIdFile });
  return host;
}
