// The sandbox's stack as a person at the terminal sees it: preview, up, the steps a preview names, and the host's whole tree read from
// outside the kit.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout, npm, onHost, type Ended } from "./e2e.ts";

/** `npm run pulumi -- …` on the sandbox's stack. */
export const pulumi = (...args: readonly string[]): Promise<Ended> =>
  npm("pulumi", ...args, "--stack", "sandbox", "--non-interactive", "--color", "never");

export const up = (...args: readonly string[]): Promise<Ended> => pulumi("up", "--yes", "--skip-preview", ...args);

/**
 * What a preview would do, sorted: "update Directory sandbox/var/lib/cutter/locks"; empty when nothing drifted. A component's step and the
 * stack's own are no resource on the host and left out. `output`: all it printed.
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
  "/etc/tmpfiles.d/cutter.conf /etc/systemd/system /etc/systemd/system.control /run/systemd/system " +
    "/run/systemd/system.control /run/systemd/transient/cutter-*.d",
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

/**
 * One line for each path (type, mode, owner, path, target), one for each file's digest, then the state of the kit's units (a service that a
 * socket starts comes and goes by itself), the env file, user and group. Equal texts mean an equal host. Few processes: it is read hundreds
 * of times.
 */
export async function readTree(): Promise<string> {
  const { stdout } = await onHost(`export LC_ALL=C
paths() { find ${places} ${growing.map((pattern) => `! -path '${pattern}'`).join(" ")} "$@" 2>/dev/null; }
paths -printf '%y %m %u:%g %p %l\\n' | sort
paths -type f -print0 | sort -z | xargs -0r sha256sum
cd /etc/systemd/system; units=$(ls -d cutter-*.service cutter-*.socket 2>/dev/null)
if [ -n "$units" ]; then
  echo $units; systemctl is-enabled $units 2>&1; systemctl is-active $(ls -d cutter-*.socket 2>/dev/null)
  systemctl show -P NeedDaemonReload $(echo "$units" | sed s/@/@x/)
fi
stat -c '%a %U:%G %n' /opt/incomex/docker/.env; sha256sum </opt/incomex/docker/.env
id cutter 2>&1; getent group cutter`);
  return stdout;
}

/** The stack's state as the engine exports it; what is not named here is kept for `importState`. */
export interface StackState {
  readonly deployment: {
    readonly resources?: readonly { readonly urn: string; readonly id?: string }[];
    readonly pending_operations?: readonly unknown[];
  };
}

/** @throws when there is no such stack */
export async function readState(): Promise<StackState> {
  const { code, output } = await pulumi("stack", "export");
  if (code !== 0) throw new Error(`no state: ${output}`);
  return JSON.parse(output.slice(output.search(/^\{/m))) as StackState;
}

/** The state becomes `state`; nothing on a host is touched. @throws when the engine refuses it */
export async function importState(state: StackState): Promise<void> {
  const file = join(checkout, ".sandbox/state-to-import.json");
  writeFileSync(file, JSON.stringify(state));
  const { code, output } = await pulumi("stack", "import", "--file", file);
  rmSync(file);
  if (code !== 0) throw new Error(`the import of the state failed:\n${output}`);
}

/**
 * The host's tree, and which things on the host the state knows: components, the provider and the stack itself are none. Inputs of a
 * drifted resource follow the host by every refresh, so only names are compared.
 */
export async function readHostAndState(): Promise<string> {
  const [tree, { deployment }] = [await readTree(), await readState()];
  return `${tree}\n${(deployment.resources ?? [])
    .filter(({ urn }) => /\$(?:cutterhost:index|command:)/.test(urn))
    .map(({ urn, id }) => `state ${urn} ${id ?? ""}`)
    .toSorted()
    .join("\n")}\npending ${deployment.pending_operations?.length ?? 0}\n`;
}
