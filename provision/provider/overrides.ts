// What changes a kit unit without touching its file: drop-ins, masks, units of the same name elsewhere. Seen as drift; moved aside, never thrown away.
import { CutterError } from "../../orchestrator/core/errors.ts";
import { hostLayout } from "../../orchestrator/core/host-layout.ts";
import type { RemoteHost } from "../host/connection.ts";

/** Root-only; each repair makes a folder of its own here. Stays after a destroy, as the ledger does. */
export const displacedFolder = `${hostLayout.ledger}/displaced`;

/**
 * Paths, one a line, of what overrides the unit at `path`; "" when nothing does. Of a template also what is made for single instances.
 * "(daemon-reload is due)": systemd still goes by an older text. Contents are never read. @throws HOST_OUTCOME_UNKNOWN
 */
export async function readOverrides(host: RemoteHost, path: string, name: string): Promise<string> {
  const outcome = await host.run(`p=$1; n=$2\n${listScript}\nlist_overrides\n${reloadScript}`, [path, name], { timeoutMs: 15_000 });
  if (outcome.code !== 0) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: `overrides of ${name}` });
  return outcome.stdout.trim();
}

/**
 * Part of a job's script, before the unit's file is written: moves every override to a new folder below `keep`, its path in its name.
 * `path` and `name` are words of the shell that stand for the unit's file and name. May be repeated. Exit 19: something could not be moved.
 */
export function toDisplaceScript(path: string, name: string, keep: string): string {
  return `p=${path}; n=${name}; keep=${keep}
${listScript}
list_overrides | while IFS= read -r found; do
  [ -d "\${keep%/*}" ] || install -d -m 0700 -- "\${keep%/*}" || exit 19
  install -d -m 0700 -- "$keep" || exit 19
  aside=$(mktemp -d -- "$keep/$(date -u +%Y%m%dT%H%M%SZ)-XXXXXXXX") || exit 19
  mv -T -- "$found" "$aside/$(printf %s "$found" | tr / -)" || exit 19
  sync -- "$aside" "$keep" || exit 19
  case "\${found%/*}" in *.d) rmdir --ignore-fail-on-non-empty -- "\${found%/*}" || exit 19 ;; esac
  echo "moved aside: $found -> $aside" >&2
done || exit 19
`;
}

/** In "$p" and "$n": the file's path and the unit's name. A mask is a link to /dev/null in the file's own place or one systemd reads too. */
const listScript = `list_overrides() {
  if [ -L "$p" ] && [ "$(readlink -- "$p")" = /dev/null ]; then printf '%s\\n' "$p"; fi
  case $n in *@.*) each="\${n%%.*}?*.\${n##*.}" ;; *) each= ;; esac
  for place in "\${p%/*}" /run/systemd/system /etc/systemd/system.control /run/systemd/system.control; do
    for file in "$place/$n" "$place/$n".d/*.conf \${each:+"$place"/$each} \${each:+"$place"/$each.d/*.conf}; do
      [ "$file" != "$p" ] || continue
      if [ -L "$file" ] || [ -f "$file" ]; then printf '%s\\n' "$file"; fi
    done
  done
}`;

/** Only a loaded unit can be out of date; a template is asked about by its instances. */
const reloadScript = `[ -d /run/systemd/system ] || exit 0
case $n in *@.*) asked="\${n%%.*}*.\${n##*.}" ;; *) asked=$n ;; esac
due=$(systemctl show -p NeedDaemonReload --value -- "$asked") || exit 20
case $due in *yes*) echo "(daemon-reload is due)" ;; esac`;
