// Starts one scoped run on the host, or joins the start that is going on, and shows its journal while it works; the result is what the host
// wrote once its units have settled, not what the line carried.
import { setTimeout as pause } from "node:timers/promises";
import { CutterError } from "../orchestrator/core/errors.ts";
import { hostLayout } from "../orchestrator/core/host/layout.ts";
import type { RunId } from "../orchestrator/core/run-id.ts";
import { runResultSchema, type RunResult } from "../orchestrator/core/run/result.ts";
import type { CommandOutcome, RemoteHost } from "../provision/host/connection.ts";
import { mustRunOnHost, toHostRefusal } from "./remote-step.ts";

const pollMs = 400;
const readTimeoutMs = 30_000;
const linesKeptMax = 500;

/** What can be started for a run: its unit, the root step before it, and where the host tells what it came to. */
export const startableUnits = {
  run: { unit: "cutter-run", before: "cutter-prepare", results: hostLayout.results, unknown: "RUN_OUTCOME_UNKNOWN" },
  revert: { unit: "cutter-revert", before: "cutter-prepare-revert", results: hostLayout.revertResults, unknown: "REVERT_OUTCOME_UNKNOWN" },
} as const;
type StartableUnit = (typeof startableUnits)[keyof typeof startableUnits];

export interface Watch {
  readonly unit?: StartableUnit;
  readonly deadlineMs: number;
  readonly capMinutes: number; // after which the unit ends by itself
  readonly again: string | null; // the command that shows it again, where one only shows it
  readonly print: (line: string) => void; // gets each line once
}

/**
 * Arguments: run id, unit, root step, results folder. Lines: seconds now, seconds of the unit's start, stamp of the result, invocation,
 * states.
 */
const lookScript = `date +%s; systemctl show --timestamp=unix -p InactiveExitTimestamp --value "$2@$1.service"
stat -c %i.%z -- "$4/$1.json" 2>/dev/null || echo none
systemctl show -p InvocationID --value "$2@$1.service"
systemctl is-active "$2@$1.service" "$3@$1.service"; exit 0`;

interface Look {
  readonly now: number; // seconds, by the host's clock
  readonly begunAt: number | null;
  readonly result: string; // changes with each result that is written
  readonly invocation: string; // changes with each activation of the unit; empty when systemd has forgotten it
  readonly states: readonly string[];
}

/**
 * The unit's journal, from a moment ("--since=@…") or behind a cursor (journalctl takes only one of them); the last line names the next
 * cursor.
 */
const readJournal = `journalctl --quiet --output=cat --show-cursor "$2" -u "$3@$1.service" -u "$4@$1.service"`;

/**
 * Blocks until unit and root step have settled, at the latest `deadlineMs` later. A start that is going on is joined, and nothing is
 * started.
 * @throws RUN_UNIT_NOT_SET_UP, or the root step's own refusal, when nothing was started; RUN_OUTCOME_UNKNOWN, REVERT_OUTCOME_UNKNOWN when
 * the line broke (`reason=line_broke`), it still goes on at the deadline, or it ended and no result was written
 */
export async function startUnitAndWait(host: RemoteHost, runId: RunId, watch: Watch): Promise<RunResult> {
  const { unit = startableUnits.run, deadlineMs, print } = watch;
  const give = (reason: string, facts: Readonly<Record<string, string>> = {}): CutterError =>
    new CutterError(unit.unknown, { reason, run_id: runId, host: host.address.name, ...facts });
  const before = parseLook(await mustRunOnHost(host, "look before the start", lookScript, toArgs(runId, unit)));
  const joined = isWorking(before.states[0]) && before.begunAt !== null;
  const until = toTime((joined ? (before.begunAt ?? before.now) : before.now) + watch.capMinutes * 60);
  if (joined) print(`[INFO] it is going on since ${toTime(before.begunAt ?? before.now)}: shown from its beginning, nothing is started`);
  print(`[INFO] it ends by itself at ${until} at the latest; ${toCtrlC(watch)}`);
  const reader = createReader(host, runId, unit, { since: joined ? (before.begunAt ?? before.now) : before.now, until, watch });
  const start: { outcome: CommandOutcome | null } = { outcome: joined ? nothingStarted : null };
  const started = joined
    ? Promise.resolve()
    : host
        .run('systemctl start "$2@$1.service"', [runId, unit.unit], { timeoutMs: deadlineMs })
        .then((outcome) => void (start.outcome = outcome));
  const givenUpAt = Date.now() + deadlineMs;
  for (;;) {
    await (start.outcome === null ? Promise.race([pause(pollMs), started]) : pause(pollMs));
    await reader.read();
    const answer = await host.run(lookScript, toArgs(runId, unit), { timeoutMs: readTimeoutMs });
    if (answer.code === null) throw give("line_broke", { problem: answer.problem ?? "no exit code" });
    const look = tryParseLook(answer.stdout);
    if (look !== null && start.outcome !== null && !isGoingOn(look)) {
      await reader.read();
      return await toEnd(host, runId, unit, { before, look, joined, lines: reader.lines, start: start.outcome, give });
    }
    if (Date.now() > givenUpAt) throw give("still_going_on", { states: look?.states.join(",") ?? "unknown" });
  }
}

const nothingStarted: CommandOutcome = { code: 0, stdout: "", stderr: "" };

interface Settled {
  readonly before: Look;
  readonly look: Look;
  readonly joined: boolean;
  readonly lines: readonly string[];
  readonly start: CommandOutcome;
  readonly give: (reason: string, facts?: Readonly<Record<string, string>>) => CutterError;
}

/** The result of this very start; where there is none, why. */
async function toEnd(host: RemoteHost, runId: RunId, unit: StartableUnit, settled: Settled): Promise<RunResult> {
  const { before, look, joined, lines, start, give } = settled;
  if (look.result !== "none" && (joined || look.result !== before.result)) {
    const result = await readResult(host, runId, unit);
    if (result !== null) return result;
  }
  const spawned =
    lines.some((line) => line.startsWith(`Starting ${unit.unit}@`)) || (look.invocation !== "" && look.invocation !== before.invocation);
  if (spawned && !lines.some((line) => new RegExp(`^${unit.unit}@.*(Failed at step|status=2\\d\\d/)`).test(line)))
    throw give("no_result", { states: look.states.join(",") });
  const refusal = toHostRefusal(host.address.name, unit.before, start.code ?? 1, lines.join("\n"));
  if (refusal.code !== "HOST_COMMAND_FAILED") throw refusal;
  const causes = lines.filter((line) =>
    /: (Failed (?:to|at) |Main process exited|Start request|State 'start')|^Dependency failed/.test(line),
  );
  const [cause = start.stderr.trim().split("\n")[0] ?? ""] = causes;
  throw new CutterError("RUN_UNIT_NOT_SET_UP", {
    run_id: runId,
    unit: `${unit.unit}@${runId}`,
    host: host.address.name,
    systemd: cause.slice(0, 300),
    step: /Failed at step ([A-Z_]+)/.exec(causes.join("\n"))?.[1] ?? null,
  });
}

/** Shows what is new in the units' journal, without what systemd says of every start; keeps the newest lines. */
function createReader(
  host: RemoteHost,
  runId: RunId,
  unit: StartableUnit,
  { since, until, watch }: { readonly since: number; readonly until: string; readonly watch: Watch },
): { readonly lines: readonly string[]; read(): Promise<void> } {
  const lines: string[] = [];
  let position = `--since=@${String(since)}`;
  let waited = false;
  const show = (line: string): void => {
    lines.push(line);
    if (lines.length > linesKeptMax) lines.shift();
    if (/^(Starting|Started|Finished|Stopping|Stopped) |: (Deactivated successfully|Consumed )/.test(line)) return;
    watch.print(line);
    const [, waitsOn] = /^\[WARN\] gate .*waits_on=([A-Za-z_0-9]+)/.exec(line) ?? [];
    if (waitsOn === undefined || waited) return;
    waited = true;
    watch.print(`[INFO] it waits for ${waitsOn} and asks again by itself, until ${until} at the latest; ${toCtrlC(watch)}`);
  };
  return {
    lines,
    read: async () => {
      const { stdout } = await host.run(readJournal, [runId, position, unit.unit, unit.before], { timeoutMs: readTimeoutMs });
      for (const line of stdout.split("\n")) {
        const next = /^-- cursor: (.+)$/.exec(line)?.[1];
        if (next !== undefined) position = `--after-cursor=${next}`;
        else if (line !== "") show(line);
      }
    },
  };
}

function toCtrlC({ again }: Watch): string {
  return `Ctrl-C is safe: it goes on${again === null ? "" : `, and ${again} shows it again`}`;
}

function toArgs(runId: RunId, unit: StartableUnit): readonly string[] {
  return [runId, unit.unit, unit.before, unit.results];
}

/** @throws HOST_OUTCOME_UNKNOWN when the host's answer is none */
function parseLook(text: string): Look {
  const look = tryParseLook(text);
  if (look === null) throw new CutterError("HOST_OUTCOME_UNKNOWN", { step: "look before the start", said: text.slice(0, 200) });
  return look;
}

function tryParseLook(text: string): Look | null {
  const [now = "", begun = "", result = "", invocation = "", ...states] = text.trimEnd().split("\n");
  const known = states.length === 2 && states.every((state) => /^[a-z]+$/.test(state));
  if (!known || !/^\d+$/.test(now) || result === "") return null;
  const begunAt = /^@(\d+)$/.exec(begun)?.[1];
  return { now: Number(now), begunAt: begunAt === undefined ? null : Number(begunAt), result, invocation, states };
}

/** Either of the two does something, or is about to. */
function isGoingOn({ states }: Look): boolean {
  return states.some(isWorking);
}

function isWorking(state: string | undefined): boolean {
  return state !== "inactive" && state !== "failed";
}

function toTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** What the host says of the last start of a run; null when it says nothing yet. */
async function readResult(host: RemoteHost, runId: RunId, unit: StartableUnit = startableUnits.run): Promise<RunResult | null> {
  const { code, stdout } = await host.run('cat "$1"', [`${unit.results}/${runId}.json`], { timeoutMs: readTimeoutMs });
  return code === 0 ? runResultSchema.parse(JSON.parse(stdout)) : null;
}

/** One line that closes a run's output. */
export function toResultLine(result: RunResult): string {
  const facts = Object.entries({
    code: result.code,
    certificate: result.certificate,
    payload_sha: result.payload_sha,
    waits_on: result.waits_on,
  }).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  const label = result.exit_code === 0 ? "[OK]  " : result.exit_code === 11 || result.waits_on !== null ? "[WARN]" : "[ERR] ";
  return `${label} run ${result.run_id}: ${result.result ?? "stopped"} exit=${result.exit_code} ${facts.join(" ")}`.trimEnd();
}
