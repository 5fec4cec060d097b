// What stands on a host after everything of the kit was destroyed: told at the end, because people will look for it, and because removing
// it is theirs alone.
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import type { RemoteHost } from "../host/connection.ts";

/** One line a person reads after a destroy; a host that cannot be asked any more is said to be so, because the destroy itself is done. */
export async function readRetainedSummary(host: RemoteHost): Promise<string> {
  const outcome = await host.run(readScript, [hostLayout.runs, hostLayout.ledger, hostLayout.etc, hostLayout.state, hostLayout.code], {
    timeoutMs: 30_000,
  });
  if (outcome.code !== 0)
    return (
      `[WARN] host ${host.address.name}: what it kept could not be read; ${hostLayout.state} and ${hostLayout.ledger} are ` +
      "never removed"
    );
  const retained = outcome.stdout.split("\n").filter((line) => line !== "");
  return `[INFO] host ${host.address.name} kept: ${retained.join("; ")}. An up takes all of it up again`;
}

const readScript = `count() { find "$@" 2>/dev/null | wc -l; }
if [ -d "$4" ]; then echo "$4 ($(count "$1" -mindepth 1 -maxdepth 1 -type d) runs, $(count "$1" -name '*.gpg' -type f) backups, $(du -sh "$4" | cut -f1))"; fi
if [ -d "$2" ]; then echo "$2 ($(cat "$2/audit.jsonl" 2>/dev/null | wc -l) audit lines, $(cat "$2/spent.jsonl" 2>/dev/null | wc -l) uses spent, $(count "$2/displaced" -mindepth 1 -maxdepth 1) displaced)"; fi
for folder in "$3" "$5"; do if [ -d "$folder" ]; then echo "$folder ($(find "$folder" -mindepth 1 -maxdepth 1 -printf '%f ' | sed 's/ $//'))"; fi; done
getent passwd cutter >/dev/null && echo "user and group cutter"
exit 0`;
