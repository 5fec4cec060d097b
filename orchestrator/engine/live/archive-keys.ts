// What a live run keeps beside its journal and approvals so that others can check it later: the public keys and the runbook of the way
// back. Data for readers; nothing is decided by it.
import { hostLayout } from "../../core/host/layout.ts";
import type { Files } from "../../ports/files.ts";
import type { LiveToken } from "../../ports/live-token.ts";
import type { RunFolder } from "../kernel/run-folder.ts";

const fileMode = 0o600;
const folderMode = 0o700;

/** `keys/sovereign.asc`, `keys/architect.asc` where one is pinned, and `rollback_runbook.sql`. May be repeated. */
export async function archiveKeysAndRunbook(
  files: Files,
  folder: RunFolder,
  token: Pick<LiveToken, "keys">,
  runbookPath: string = hostLayout.rollbackRunbook,
): Promise<void> {
  await files.makeFolder(`${folder.path}/keys`, folderMode);
  await files.writeAtomic(`${folder.path}/keys/sovereign.asc`, token.keys.sovereign.bytes, fileMode);
  if (token.keys.architect !== null) await files.writeAtomic(`${folder.path}/keys/architect.asc`, token.keys.architect.bytes, fileMode);
  const runbook = await files.read(runbookPath);
  if (runbook !== null) await files.writeAtomic(`${folder.path}/rollback_runbook.sql`, runbook, fileMode);
}
