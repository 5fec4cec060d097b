// What changes a kit unit without touching its file: drop-ins, masks, units of the same name elsewhere. Seen as drift; moved aside, never
// thrown away.
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { hostLayout } from "../../../../orchestrator/core/host/layout.ts";
import type { RemoteHost } from "../../../host/connection.ts";

/** Root-only; each repair makes a folder of its own here. Stays after a destroy, as the ledger does. */
export const displacedFolder = `${hostLayout.ledger}/displaced`;

/**
 * Paths, one a line, of what overrides the unit at `path`; "" when nothing does. Of a template also what is made for single instances; of
 * each unit also the drop-ins of its family (`cutter-.service.d`), which all its members then name. Those of all units of a type
 * (`service.d`) are the host's: see `readHostWide`. "(daemon-reload is due)": systemd still goes by an older text. Contents are never read.
 * @throws HOST_OUTCOME_UNKNOWN
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

/**
 * What changes the kit's units together with all others of the host: for its owner to judge, so never moved and no drift. Without what
 * packages bring.
 * @throws HOST_OUTCOME_UNKNOWN
 */
export async function readHostWide(host: RemoteHost): Promise<readonly string[]> {
  const outcome = await host.run(hostWideScript, [], { timeoutMs: 15_000 });
  if (outcome.code !== 0) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: "drop-ins of all units" });
  return outcome.stdout.split("\n").filter((line) => line !== "");
}

/** Where systemd reads units and drop-ins, beside the place of our files; generators' own folders are made anew at each reload. */
const administeredUnitPaths =
  "/etc/systemd/system.control /run/systemd/system.control /run/systemd/transient /etc/systemd/system.attached " +
  "/run/systemd/system /run/systemd/system.attached";
const otherUnitPaths = `${administeredUnitPaths} /usr/local/lib/systemd/system /usr/lib/systemd/system`;

/**
 * In "$p" and "$n": the file's path and the unit's name. A mask is a link to /dev/null in the file's own place or one systemd reads too.
 */
const listScript = `list_overrides() {
  if [ -L "$p" ] && [ "$(readlink -- "$p")" = /dev/null ]; then printf '%s\\n' "$p"; fi
  case $n in *@.*) each="\${n%%.*}?*.\${n##*.}" ;; *) each= ;; esac
  stem=\${n%.*}; stem=\${stem%@}; families=
  while case $stem in *-*) ;; *) false ;; esac; do stem=\${stem%-*}; families="$families $stem-.\${n##*.}.d"; done
  for place in "\${p%/*}" ${otherUnitPaths}; do
    for file in "$place/$n" "$place/$n".d/*.conf \${each:+"$place"/$each} \${each:+"$place"/$each.d/*.conf}; do show_override; done
    for family in $families; do for file in "$place/$family"/*.conf; do show_override; done; done
  done
}
show_override() {
  [ "$file" != "$p" ] || return 0
  if [ -L "$file" ] || [ -f "$file" ]; then printf '%s\\n' "$file"; fi
}`;

const hostWideScript = `for place in /etc/systemd/system ${administeredUnitPaths}; do
  for file in "$place"/service.d/*.conf "$place"/socket.d/*.conf; do if [ -f "$file" ]; then printf '%s\\n' "$file"; fi; done
done`;

/** Only a loaded unit can be out of date; a template is asked about by its instances. */
const reloadScript = `[ -d /run/systemd/system ] || exit 0
case $n in *@.*) asked="\${n%%.*}*.\${n##*.}" ;; *) asked=$n ;; esac
due=$(systemctl show -p NeedDaemonReload --value -- "$asked") || exit 20
case $due in *yes*) echo "(daemon-reload is due)" ;; esac`;
