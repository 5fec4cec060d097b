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

/**
 * Replaces what an earlier, broken-off enable left, of this run and of any other whose own connection is gone: one that is at work now
 * keeps its files. @throws HOST_COMMAND_FAILED, HOST_OUTCOME_UNKNOWN
 */
export async function stage(host: RemoteHost, runId: RunId, approvals: readonly SignedFile[]): Promise<void> {
  await mustRunOnHost(host, "make the staging folders", makeFolders, [hostLayout.incoming, ...toFolders(runId)]);
  for (const approval of approvals) {
    const folder = toStagedFolder(runId, approval);
    for (const { name, bytes } of [approval.document, ...approval.signatures]) {
      await mustRunOnHost(host, `stage ${name}`, 'umask 077; set -C; cat > "$1"', [`${folder}/${name}`], { stdin: bytes });
    }
  }
}

/**
 * The shell's parent is the connection's own process on the host: it ends with the connection, however that ends. Pid and start time name
 * it. A REVERT is staged in the run's folder too, by another script, and stays. What is older than an hour is nobody's.
 */
const makeFolders = `umask 077; mkdir -p -m 0700 -- "$1" || exit
begun() { [ ! -r "/proc/$1/stat" ] || sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20; }
for left in "$1"/_upload.*; do
  [ -f "$left/.owner" ] && read -r pid since <"$left/.owner" || continue
  [ "$(begun "$pid")" != "$since" ] || continue
  run=\${left##*/_upload.}
  [ -e "$1/$run/revert.md" ] || rm -rf -- "$1/$run"
  rm -rf -- "$left"
done
find "$1" -mindepth 1 -maxdepth 1 -type d -mmin +60 -exec rm -rf -- {} +
rm -rf -- "$2" "$3" && mkdir -- "$2" "$3" && echo "$PPID $(begun "$PPID")" >"$3/.owner"`;

/** May be repeated; a host that cannot be reached forgets it at its next boot. */
export async function unstage(host: RemoteHost, runId: RunId): Promise<void> {
  await host.run('rm -rf -- "$@"', toFolders(runId), { timeoutMs: 30_000 });
}

function toFolders(runId: RunId): readonly string[] {
  return [toStagedFolder(runId, { gate: "RULING" }), toStagedFolder(runId, { gate: "SG_1" })];
}
