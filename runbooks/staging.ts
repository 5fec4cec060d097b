// Approvals on their way to root on the host: staged on tmpfs where root alone looks, and taken away again.
import { hostLayout } from "../orchestrator/core/host/layout.ts";
import type { RunId } from "../orchestrator/core/run-id.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { mustRunOnHost } from "./remote-step.ts";
import type { SignedFile } from "./signed-files.ts";

/**
 * Where one approval lies: arming reads its own folder and tolerates nothing else there. `_` begins no run id, so the other is nobody's.
 */
export function toStagedFolder(runId: RunId, { gate }: Pick<SignedFile, "gate">): string {
  return gate === "RULING" || gate === "SG_3" ? `${hostLayout.incoming}/${runId}` : `${hostLayout.incoming}/_upload.${runId}`;
}

/** Replaces what an earlier, broken-off enable left. @throws HOST_COMMAND_FAILED, HOST_OUTCOME_UNKNOWN */
export async function stage(host: RemoteHost, runId: RunId, approvals: readonly SignedFile[]): Promise<void> {
  const make = 'umask 077; mkdir -p -m 0700 -- "$1" && rm -rf -- "$2" "$3" && mkdir -- "$2" "$3"';
  await mustRunOnHost(host, "make the staging folders", make, [hostLayout.incoming, ...toFolders(runId)]);
  for (const approval of approvals) {
    const folder = toStagedFolder(runId, approval);
    for (const { name, bytes } of [approval.document, ...approval.signatures]) {
      await mustRunOnHost(host, `stage ${name}`, 'umask 077; set -C; cat > "$1"', [`${folder}/${name}`], { stdin: bytes });
    }
  }
}

/** May be repeated; a host that cannot be reached forgets it at its next boot. */
export async function unstage(host: RemoteHost, runId: RunId): Promise<void> {
  await host.run('rm -rf -- "$@"', toFolders(runId), { timeoutMs: 30_000 });
}

function toFolders(runId: RunId): readonly string[] {
  return [toStagedFolder(runId, { gate: "RULING" }), toStagedFolder(runId, { gate: "SG_1" })];
}
