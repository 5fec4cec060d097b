// The sandbox's stack as a person at the terminal sees it: preview, up, the steps a preview names, and the host's whole tree read from outside the kit.
import { npm, onHost, type Ended } from "./e2e.ts";

/** `npm run pulumi -- …` on the sandbox's stack. */
export const pulumi = (...args: readonly string[]): Promise<Ended> =>
  npm("pulumi", ...args, "--stack", "sandbox", "--non-interactive", "--color", "never");

export const up = (...args: readonly string[]): Promise<Ended> => pulumi("up", "--yes", "--skip-preview", ...args);

/**
 * What a preview would do, sorted: "update Directory sandbox/var/lib/cutter/locks"; empty when nothing drifted. A component's step and the stack's own are
 * no resource on the host and left out. `output`: all it printed.
 * @throws when the preview itself failed, with what it printed
 */
export async function preview(): Promise<{ readonly steps: readonly string[]; readonly output: string }> {
  const { code, output } = await pulumi("preview", "--json");
  const start = output.search(/^\{/m);
  if (code !== 0 || start < 0) throw new Error(`the preview failed with ${code}:\n${output}`);
  const { steps } = JSON.parse(output.slice(start)) as { readonly steps?: readonly { readonly op: string; readonly urn: string }[] };
  const named = (steps ?? [])
    .filter(({ op }) => op !== "same" && op !== "refresh")
    .map(({ op, urn }) => {
      const [, , types = "", name = ""] = urn.slice("urn:pulumi:".length).split("::");
      return `${op} ${types.split(/[$:]/).at(-1) ?? ""} ${name}`;
    });
  return { steps: named.toSorted(), output };
}

export const readSteps = async (): Promise<readonly string[]> => (await preview()).steps;

/** Every place that `pulumi up` writes to. */
const places = [
  "/opt/cutter /etc/cutter /var/lib/cutter /var/lib/cutter-ledger /usr/local/bin/cutter",
  "/etc/tmpfiles.d/cutter.conf /etc/systemd/system /etc/systemd/system.control /run/systemd/system /run/systemd/system.control /run/systemd/transient/cutter-*.d",
].join(" ");

/** What grows by its nature: records of what was done, and runs; and systemd's own folders, which it makes and never takes away. */
const growing = [
  "/etc/systemd/system.control",
  "/run/systemd/system.control",
  "/var/lib/cutter/runs/*",
  "/var/lib/cutter/batches/*",
  "/var/lib/cutter/locks/*",
  "/var/lib/cutter-ledger/*",
  "*/ownership.jsonl",
  "/opt/cutter/release-state/lock",
];

/** One line for each path (type, mode, owner, path, digest or target), then the state of the kit's units (a service that a socket starts comes and goes by itself), the env files' digests, user and group. Equal texts mean an equal host. */
export async function readTree(): Promise<string> {
  const { stdout } =
    await onHost(`find ${places} ${growing.map((pattern) => `! -path '${pattern}'`).join(" ")} 2>/dev/null | LC_ALL=C sort | while IFS= read -r p; do
  printf '%s ' "$(stat -c '%F %a %U:%G %n' "$p")"; if [ -L "$p" ]; then readlink "$p"; elif [ -f "$p" ]; then sha256sum <"$p"; else echo; fi
done
for unit in $(cd /etc/systemd/system && ls -d cutter-*.service cutter-*.socket 2>/dev/null); do case $unit in *.socket) active=$(systemctl is-active "$unit");; *) active=-;; esac; echo "$unit $(systemctl is-enabled "$unit" 2>&1) $active $(systemctl show -P NeedDaemonReload "$(echo "$unit" | sed s/@/@x/)")"; done
stat -c '%a %U:%G %n' /opt/incomex/docker/.env; sha256sum </opt/incomex/docker/.env
id cutter 2>&1; getent group cutter`);
  return stdout;
}
