// A mutation as a named job of the host's systemd: it ends there even if our connection is cut, and its outcome can be read again.
import type { Readable } from "node:stream";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { toDiskComplaint } from "../../orchestrator/core/host/disk-error.ts";
import type { RemoteHost } from "./connection.ts";
import { toShellWord } from "./shell.ts";

interface Job {
  /** For people and journald: lower case, digits, hyphens. */
  readonly name: string;
  /** What it is about, for a person who reads its failure: a path, or user:NAME. */
  readonly resource?: string;
  /** Fixed text for sh; arguments are "$1", "$2", …; must be repeatable. */
  readonly script: string;
  readonly args: readonly string[];
  readonly stdin?: Buffer | Readable;
  readonly timeoutMs: number;
}

/** `unknown`: the connection was cut and no result could be read; the caller reads the thing itself. */
export type JobOutcome = { readonly state: "done" } | { readonly state: "unknown"; readonly problem: string };

export interface JobRunner {
  /** @throws HOST_DISK_FULL; HOST_COMMAND_FAILED with the job's exit code and its (capped) stderr. */
  run(job: Job): Promise<JobOutcome>;
}

const jobsDirectory = "/run/cutter-jobs";
const pollIntervalMs = 500;
const waitStepMs = 200;
/** After a lost connection, for a job that reads its input from it. */
const inputGraceMs = 10_000;

/** `connect` gives the open connection, a new one after a cut. `wait` is the pause between two looks at a job. */
export function createJobRunner(connect: () => Promise<RemoteHost>, wait: (ms: number) => Promise<unknown> = sleep): JobRunner {
  return {
    run: async (job) => {
      const host = await connect();
      const unit = `cutter-job-${job.name}-${randomBytes(4).toString("hex")}`;
      const outcome = await host.run(startScript, [unit, toJobScript(job), String(Math.ceil(job.timeoutMs / 1000))], {
        timeoutMs: job.timeoutMs + 5_000,
        ...(job.stdin === undefined ? {} : { stdin: job.stdin }),
      });
      if (outcome.code === 0) return { state: "done" };
      if (outcome.code !== null) throw toFailure(host, job, outcome.code, outcome.stderr);
      const problem = outcome.problem ?? "no exit code";
      // Not a plain HOST_UNREACHABLE: that would say that nothing was changed.
      const again = await connect().catch((error: unknown) => (error instanceof CutterError ? error.code : "no connection"));
      if (typeof again === "string") return { state: "unknown", problem: `${problem}; no new connection: ${again}` };
      return await rereadOutcome(again, job, unit, problem, wait);
    },
  };
}

/**
 * Waits until the host runs no job of an earlier command, whose end nobody saw: what is read before would not be what stands in the end. At
 * most `timeoutMs`: a job is repeatable and replaces things whole, so one that hangs (its own time limit ends it) does not keep the host
 * from being looked at.
 */
export async function waitForEarlierJobs(host: RemoteHost, timeoutMs: number): Promise<void> {
  await host.run(waitScript, [String(Math.ceil(timeoutMs / waitStepMs)), String(waitStepMs / 1000)], { timeoutMs: timeoutMs + 10_000 });
}

/**
 * After a cut: waits until the unit has ended, then reads the result it left. A job that still waits for the input we were sending waits in
 * vain: it is stopped.
 */
async function rereadOutcome(
  host: RemoteHost,
  job: Job,
  unit: string,
  problem: string,
  wait: (ms: number) => Promise<unknown>,
): Promise<JobOutcome> {
  const waitMs = job.stdin === undefined ? job.timeoutMs : inputGraceMs;
  const pollsMax = Math.ceil(waitMs / pollIntervalMs);
  for (let poll = 0; poll < pollsMax; poll += 1) {
    const outcome = await host.run(rereadScript, [unit], { timeoutMs: 10_000 });
    if (outcome.code !== 0) return { state: "unknown", problem: `${problem}; the result could not be read` };
    const [first = "", ...said] = outcome.stdout.split("\n");
    const [state = "", code = ""] = first.split(" ");
    if (state === "running") await wait(pollIntervalMs);
    else if (state === "ended" && code === "0") return { state: "done" };
    else if (state === "ended")
      throw toFailure(host, job, Number(code), `${said.join("\n").trim()} (seen after the connection was lost: ${problem})`);
    else return { state: "unknown", problem: `${problem}; the host knows no such job` };
  }
  if (job.stdin === undefined) return { state: "unknown", problem: `${problem}; the job still runs` };
  await host.run('systemctl stop -- "$1.service"', [unit], { timeoutMs: 30_000 });
  return { state: "unknown", problem: `${problem}; the job waited for the rest of its input and was stopped` };
}

function toFailure(host: RemoteHost, job: Job, code: number, stderr: string): CutterError {
  const facts = { host: host.address.name, job: job.name, ...(job.resource === undefined ? {} : { resource: job.resource }) };
  const complaint = toDiskComplaint(stderr);
  if (complaint !== null) return new CutterError("HOST_DISK_FULL", { ...facts, ...toPath(complaint.said), ...complaint });
  return new CutterError("HOST_COMMAND_FAILED", { ...facts, code, stderr: stderr.trim().slice(0, 2_000) });
}

/** The path that the program itself names, where it does. */
function toPath(said: string): { readonly path?: string } {
  const path = /[ '"](\/[^'":]+)['"]?:/.exec(said)?.[1];
  return path === undefined ? {} : { path };
}

/** Arguments stand in the script, not in the unit's command line: systemd expands `$` and `%` there, differently by version. */
function toJobScript(job: Job): string {
  return [
    `set -eu`,
    `export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    `umask 077`,
    ["set --", ...job.args.map(toShellWord)].join(" "),
    job.script,
    "",
  ].join("\n");
}

/**
 * The result stays for an hour: whoever starts a job cannot know whether the answer arrived. tee, because it says why a file takes nothing;
 * sh's own printf says "I/O error" of a full disk.
 */
const startScript = `d=${jobsDirectory}/$1
[ ! -d ${jobsDirectory} ] || find ${jobsDirectory} -mindepth 1 -maxdepth 1 -mmin +60 -exec rm -rf -- {} +
umask 077; mkdir -p "$d" && printf '%s' "$2" | tee "$d/script" >/dev/null || exit 1
printf '%s\\n' 'sh "$1/script" >/dev/null 2>"$1/stderr"; code=$?; printf %s "$code" >"$1/result.new"; mv "$1/result.new" "$1/result"; exit "$code"' | tee "$d/run" >/dev/null || exit 1
systemd-run --quiet --collect --wait --pipe --unit="$1" -p RuntimeMaxSec="$3" sh "$d/run" "$d" 
code=$?
rm -f "$d/script" "$d/run"
head -c 4000 "$d/stderr" >&2 2>/dev/null
exit $code`;

const waitScript = `for step in $(seq "$1"); do
  [ -n "$(systemctl list-units --plain --no-legend --state=active,activating,deactivating 'cutter-job-*.service' 2>/dev/null)" ] || exit 0
  sleep "$2"
done`;

const rereadScript = `case $(systemctl show -p ActiveState --value "$1.service") in
active|activating|deactivating|reloading) echo running;;
*) if [ -f "${jobsDirectory}/$1/result" ]; then echo "ended $(cat "${jobsDirectory}/$1/result")"; head -c 4000 "${jobsDirectory}/$1/stderr"; else echo gone; fi;;
esac`;
