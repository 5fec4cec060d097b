// Execution on a host, as the kit's own changes see it: what is armed, live or unfinished. Before anything is changed, unfinished runs
// refuse it and tokens go.
import { parse } from "yaml";
import { hostLayout } from "../../../../orchestrator/core/host/layout.ts";
import { CutterError, type Facts } from "../../../../orchestrator/core/errors.ts";
import { isCutOffLine } from "../../../../orchestrator/core/journal/chain.ts";
import { idleLine, toUnfinishedRuns, type RunTrace } from "../../../../orchestrator/core/run/unfinished-runs.ts";
import type { HostAddress } from "../../../host/address.ts";
import type { RemoteHost } from "../../../host/connection.ts";
import type { HostPool } from "../../../host/pool.ts";

export interface Execution {
  readonly armed: readonly string[];
  readonly live: readonly string[];
  readonly unfinishedRuns: readonly string[]; // written, and neither closed out, given up nor reverted
}

/**
 * Read from tokens and journals themselves: a damaged configuration or release must neither hide a run nor keep `up` from repairing it.
 * @throws HOST_OUTCOME_UNKNOWN
 */
export async function readExecution(host: RemoteHost): Promise<Execution> {
  const outcome = await host.run(readScript, [hostLayout.armed, hostLayout.live, hostLayout.config, hostLayout.runs, idleLine], {
    timeoutMs: 30_000,
  });
  if (outcome.code !== 0)
    throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: "what is armed, live or unfinished" });
  return parseExecution(outcome.stdout);
}

/** Lines: `armed`, `live`, `run` with a name; after a run its `output`s, `line`s, `tail` and `revert` lines. Pure. */
function parseExecution(stdout: string): Execution {
  const armed: string[] = [];
  const live: string[] = [];
  const traces: (RunTrace & { readonly journal: string[]; readonly revertJournal: string[]; readonly outputs: string[] })[] = [];
  for (const text of stdout.split("\n")) {
    const [kind, rest] = [text.slice(0, text.indexOf("\t")), text.slice(text.indexOf("\t") + 1)];
    if (kind === "armed") armed.push(rest);
    if (kind === "live") live.push(rest);
    if (kind === "run") traces.push({ runId: rest, journal: [], revertJournal: [], outputs: [] });
    if (kind === "output") traces.at(-1)?.outputs.push(rest);
    if (kind === "line") traces.at(-1)?.journal.push(rest);
    if (kind === "tail" && !isCutOffTail(rest)) traces.at(-1)?.journal.push(rest);
    if (kind === "revert") traces.at(-1)?.revertJournal.push(rest);
  }
  return { armed, live, unfinishedRuns: toUnfinishedRuns(traces) };
}

/** What lies behind a journal's last newline, with the number of lines before it: `toWholeLines` judges it likewise. */
function isCutOffTail(numbered: string): boolean {
  const [count, tail] = [numbered.slice(0, numbered.indexOf("\t")), numbered.slice(numbered.indexOf("\t") + 1)];
  return isCutOffLine(Buffer.from(tail, "utf8"), Number(count));
}

/** One change of the host that is about to be made. */
export interface GuardedChange {
  readonly claim: string; // as in the ownership manifest
  readonly how: "create" | "update" | "remove";
}

/**
 * Asked before every change; looks once per host and command. `leave`: there is nothing to change, go on.
 * @throws UNFINISHED_LIVE_RUN, HOST_OUTCOME_UNKNOWN, HOST_COMMAND_FAILED
 */
export type ExecutionGuard = (address: HostAddress, change: GuardedChange) => Promise<"apply" | "leave">;

/** What was found on a host: `pinning` names the unfinished runs whose way back this command pins, and then does nothing else. */
interface Found {
  readonly pinning: readonly string[];
}

/** `say` gets one line when tokens were removed. `wantedConfigs`: the text of orchestrator.yaml this command is to leave, by host. */
export function createExecutionGuard(
  pool: HostPool,
  say: (line: string) => void,
  wantedConfigs: ReadonlyMap<string, string>,
): ExecutionGuard {
  const checkedHosts = new Map<string, Promise<Found>>();
  return async (address, { claim, how }) => {
    const earlier = checkedHosts.get(address.name) ?? lookAndDisarm(pool, address, say, wantedConfigs.get(address.name));
    checkedHosts.set(address.name, earlier);
    const { pinning } = await earlier;
    if (pinning.length === 0 || (claim === hostLayout.config && how === "update")) return "apply";
    if (claim === executionOffClaim && how === "update") return "leave";
    throw new CutterError("UNFINISHED_LIVE_RUN", { host: address.name, runs: pinning, refused: `${how} ${claim}`, accepted: pinnedKey });
  };
}

/** The resource that tells of tokens and unfinished runs: nothing of the host is its own. */
export const executionOffClaim = "execution:off";
const pinnedKey = "orchestrator:revert_principal";

async function lookAndDisarm(
  pool: HostPool,
  address: HostAddress,
  say: (line: string) => void,
  wantedConfig: string | undefined,
): Promise<Found> {
  const host = await pool.get(address);
  const { armed, live, unfinishedRuns } = await readExecution(host);
  if (unfinishedRuns.length > 0) {
    await requirePinningOnly(host, unfinishedRuns, live, wantedConfig);
    say(`[WARN] host ${address.name}: ${unfinishedRuns.join(", ")} is unfinished: this up may pin ${pinnedKey} and nothing else`);
  }
  if (armed.length + live.length > 0) await disarm(host, [...armed, ...live], say);
  return { pinning: unfinishedRuns };
}

/** Without a way back an unfinished run would be a dead end, so the key that names it is the one change. @throws UNFINISHED_LIVE_RUN */
async function requirePinningOnly(
  host: RemoteHost,
  runs: readonly string[],
  live: readonly string[],
  wantedConfig: string | undefined,
): Promise<void> {
  const refuse = (facts: Facts): CutterError => new CutterError("UNFINISHED_LIVE_RUN", { host: host.address.name, runs, ...facts });
  if (live.length > 0) throw refuse({ live });
  const { code, stdout } = await host.run('cat -- "$1"', [hostLayout.config], { timeoutMs: 30_000 });
  const [found, wanted] = [code === 0 ? stdout : undefined, wantedConfig].map(toKeys);
  if (found === undefined || wanted === undefined) throw refuse({});
  const changed = [...new Set([...found.keys(), ...wanted.keys()])].filter((key) => found.get(key) !== wanted.get(key));
  // Another one in the place of a pinned one would break a way back that works.
  const pinned = (found.get("revert_principal") ?? "null") !== "null";
  if (!changed.includes("revert_principal") || wanted.get("revert_principal") === "null" || pinned) throw refuse({});
  const others = changed.filter((key) => key !== "revert_principal");
  if (others.length > 0) throw refuse({ refused: others.map((key) => `orchestrator:${key}`), accepted: pinnedKey });
}

/** The keys of a configuration with their values as text; nothing for what is no configuration. */
function toKeys(text: string | undefined): ReadonlyMap<string, string> | undefined {
  try {
    const parsed: unknown = text === undefined ? null : parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
      ? new Map(Object.entries(parsed).map(([key, value]) => [key, JSON.stringify(value)]))
      : undefined;
  } catch {
    return undefined;
  }
}

async function disarm(host: RemoteHost, runs: readonly string[], say: (line: string) => void): Promise<void> {
  const { name } = host.address;
  const outcome = await host.run(disarmScript, [hostLayout.armed, hostLayout.live, `${hostLayout.ledger}/audit.jsonl`], {
    timeoutMs: 30_000,
  });
  if (outcome.code !== 0)
    throw new CutterError(outcome.code === null ? "HOST_OUTCOME_UNKNOWN" : "HOST_COMMAND_FAILED", {
      host: name,
      step: "disarm",
      stderr: outcome.stderr.trim().slice(0, 300),
    });
  say(`[WARN] host ${name}: disarmed first, because a deploy leaves execution off: ${runs.join(", ")}`);
}

/**
 * Both places of runs: the configured one and the usual one. Of a journal all whole lines but the idle ones, also those that cannot be
 * read, and what lies behind the last of them, its control characters told as one. Outputs first: the journal goes ahead of them.
 */
const readScript = `whole() { head -n "$(wc -l <"$1")" -- "$1" || echo 'it cannot be read'; }
tail_of() {
  [ -n "$(tail -c 1 -- "$1" | tr '\\000' x)" ] || return 0
  printf 'tail\\t%s\\t' "$(wc -l <"$1")"; tail -n 1 -- "$1" | head -c 1000000 | tr '\\000-\\037' '\\001'; echo
}
names() { [ ! -d "$2" ] || find "$2" -mindepth 1 -maxdepth 1 -printf "$1\\t%f\\n"; }
names armed "$1"; names live "$2"
moved=$(sed -n 's/^sidecar_root: *\\(\\/[A-Za-z0-9._\\/-]*\\)$/\\1/p' "$3" 2>/dev/null | head -n 1)
[ "$moved" != "$4" ] || moved=
for folder in "$4"/*/ "\${moved:-/nonexistent}"/*/; do
  folder=\${folder%/}; journal=$folder/journal.jsonl
  [ -d "$folder" ] || continue
  printf 'run\\t%s\\n' "\${folder##*/}"
  names output "$folder/outputs"
  [ ! -f "$journal" ] || whole "$journal" | { grep -avE -- "$5" || [ $? -eq 1 ] || echo 'grep failed'; } | sed 's/^/line\\t/'
  [ ! -f "$journal" ] || tail_of "$journal"
  [ ! -f "$folder/revert/journal.jsonl" ] || whole "$folder/revert/journal.jsonl" | grep -a '"kind":"reverted"' | sed 's/^/revert\\t/'
done
exit 0`;

/** Tokens go, then the audit log gets its line, in the chain that root's own lines make. */
const disarmScript = `for folder in "$1" "$2"; do [ ! -d "$folder" ] || find "$folder" -mindepth 1 -maxdepth 1 -exec rm -rf -- {} +; done
if [ -d "\${3%/*}" ]; then umask 077; (flock -w 10 9 || exit 0; [ ! -s "$3" ] || [ "$(tail -c 1 "$3" | wc -l)" -eq 1 ] || exit 0; n=$(wc -l <"$3"); p=$(tail -n 1 "$3" | tr -d '\\n' | sha256sum | cut -c1-64); [ "$n" -gt 0 ] || p=$(printf %064d 0)
printf '{"seq":%s,"at":"%s","action":"disarmed_by_deploy","prev":"%s"}\\n' "$n" "$(date -u +%FT%TZ)" "$p" >&9; sync -- "$3") 9>>"$3"; fi
[ -z "$(find "$1" "$2" -mindepth 1 -maxdepth 1 2>/dev/null)" ]`;
