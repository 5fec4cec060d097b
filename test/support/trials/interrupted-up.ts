// A `pulumi up` that is interrupted at one resource's step: Ctrl-C as a terminal sends it, or SIGKILL; and what is left of it afterwards.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readSandboxState } from "../../../provision/sandbox/state/state.ts";
import { checkout, onHost, run } from "../e2e.ts";

export const interrupts = ["Ctrl-C", "engine killed", "provider killed", "both killed"] as const;
type Interrupt = (typeof interrupts)[number];

/**
 * `begin`: the engine has announced the step. `at work`: the resource's claim stands in the host's manifest, its job runs. `done`: the
 * job has ended and the engine, held, has not recorded it.
 */
export const moments = ["begin", "at work", "done"] as const;
type Moment = (typeof moments)[number];

export interface InterruptedUp {
  /** What the command printed, stdout and stderr. */
  readonly output: string;
  readonly code: number | null;
  /** null: the up ended before a step of the plan came. */
  readonly at: { readonly urn: string; readonly interrupt: Interrupt; readonly moment: Moment } | null;
  /** From the interrupt to the end of the command, and from there until the last process and connection were gone. */
  readonly endMs: number;
  readonly goneMs: number;
}

const pollMs = 4;
const stepDeadlineMs = 180_000;
const endDeadlineMs = 90_000;
const goneDeadlineMs = 8_000;
const changing = /^(create|update|replace|create-replacement)$/;
const onHostTypes = /[:$](cutterhost:index:\w+|command:remote:Command)::/;

/** Every process that the up starts inherits this name, so that what is left is told from everybody else's. */
const processTagName = "CUTTER_TRIAL";

/** A step that changes something on a host; the stack's own and the components' do not. */
export function isHostStep(op: string, urn: string): boolean {
  return changing.test(op) && onHostTypes.test(urn);
}

/** What happens at which step; null: this step is let pass. */
export type Plan = (urn: string) => { readonly interrupt: Interrupt; readonly moment: Moment } | null;

/**
 * Runs `npm run pulumi -- up` in a process group of its own and interrupts it once, at the first step that `plan` has something for. One
 * step at a time (`--parallel 1`): a neighbour in flight would be done with its step before an interrupt ever met it.
 * @throws when the command does not end, or a process or an SSH connection is left over
 */
export async function interruptUp(plan: Plan): Promise<InterruptedUp> {
  const folder = mkdtempSync(join(tmpdir(), "ck-interrupt-"));
  const eventLog = join(folder, "events");
  const processTag = `${processTagName}=${randomBytes(8).toString("hex")}`;
  const claimsBefore = readManifest().length;
  const argv = [
    "run",
    "--silent",
    "pulumi",
    "--",
    "up",
    "--yes",
    "--skip-preview",
    "--stack",
    "sandbox",
    "--non-interactive",
    "--color",
    "never",
    "--parallel",
    "1",
    "--event-log",
    eventLog,
  ];
  const environment = { ...process.env, PULUMI_DEBUG_COMMANDS: "true", [processTagName]: processTag.slice(processTagName.length + 1) };
  const child = spawn("npm", argv, { cwd: checkout, detached: true, stdio: ["ignore", "pipe", "pipe"], env: environment });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  let code: number | null | undefined;
  const ended = new Promise<void>((done) => child.on("close", (value) => ((code = value), done())));
  try {
    const urn = await poll(stepDeadlineMs, () =>
      code !== undefined ? "" : (readBegun(eventLog).find((begun) => plan(begun) !== null) ?? null),
    );
    const planned = plan(urn ?? "");
    if (urn === null) throw new Error(`no step came in ${stepDeadlineMs} ms:\n${output}`);
    if (planned === null) return { output, code: code ?? null, endMs: 0, goneMs: await waitUntilGone(processTag), at: null };
    await reach(planned.moment, urn, processTag, claimsBefore, () => code !== undefined);
    const interruptedMs = performance.now();
    send(planned.interrupt, processTag, child.pid ?? 0);
    const end = await Promise.race([ended, sleep(endDeadlineMs, "late", { ref: false })]);
    if (end === "late") throw new Error(`${planned.interrupt}: the command has not ended ${endDeadlineMs} ms later:\n${output}`);
    const endMs = performance.now() - interruptedMs;
    return { output, code: code ?? null, endMs, goneMs: await waitUntilGone(processTag), at: { urn, ...planned } };
  } finally {
    for (const { pid } of readTagged(processTag)) signal(pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The engine is stopped as soon as the claim shows, so what is done on the host meanwhile is not recorded. */
async function reach(moment: Moment, urn: string, processTag: string, claimsBefore: number, isOver: () => boolean): Promise<void> {
  // The proof is the command provider's: it claims nothing.
  if (moment === "begin" || urn.includes("command:remote:Command::")) return;
  const claimed = await poll(stepDeadlineMs, () =>
    readManifest().slice(claimsBefore).includes(`"urn":"${urn}"`) ? true : isOver() ? false : null,
  );
  if (claimed !== true) throw new Error(`${urn} was not claimed on the host`);
  if (moment === "at work") return;
  for (const { pid } of readTagged(processTag).filter(({ program }) => program === "engine")) signal(pid, "SIGSTOP");
  await waitForJobs();
}

/** Until the host runs no job of ours. @throws after 60 s */
async function waitForJobs(): Promise<void> {
  const { code } = await onHost(
    "for i in $(seq 300); do [ -n \"$(systemctl list-units --plain --no-legend 'cutter-job-*')\" ] || exit 0; sleep 0.2; done; exit 1",
  );
  if (code !== 0) throw new Error("a job still runs on the host");
}

function send(interrupt: Interrupt, processTag: string, group: number): void {
  const running = readTagged(processTag);
  if (interrupt === "Ctrl-C") {
    process.kill(-group, "SIGINT");
    for (const { pid, program } of running) if (program === "engine") signal(pid, "SIGCONT");
    return;
  }
  const doomed = running.filter(
    ({ program }) => (program === "engine" && interrupt !== "provider killed") || (program === "provider" && interrupt !== "engine killed"),
  );
  if (doomed.length === 0) throw new Error(`${interrupt}: there is none among ${JSON.stringify(running)}`);
  for (const { pid } of doomed) signal(pid, "SIGKILL");
  for (const { pid, program } of running) if (program === "engine") signal(pid, "SIGCONT");
}

/** Milliseconds until neither a process of the up nor a connection from here to the host's port 22 is left. @throws when one stays */
async function waitUntilGone(processTag: string): Promise<number> {
  const sinceMs = performance.now();
  let left = "";
  const gone = await poll(
    goneDeadlineMs,
    async () => {
      const connections = await readConnections();
      left = [...readTagged(processTag).map(({ pid, commandLine }) => `${pid} ${commandLine}`), ...connections].join("\n");
      return left === "" ? true : null;
    },
    100,
  );
  if (gone === null) throw new Error(`left over ${goneDeadlineMs} ms after the end:\n${left}`);
  return performance.now() - sinceMs;
}

async function readConnections(): Promise<readonly string[]> {
  const { output } = await run(["ss", "-tnH", "state", "established", "dst", readSandboxState(checkout).address, "dport", "=", ":22"]);
  return output.split("\n").filter((line) => line !== "");
}

interface TaggedProcess {
  readonly pid: number;
  readonly program: "engine" | "provider" | "other";
  readonly commandLine: string;
}

function readTagged(processTag: string): readonly TaggedProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, "latin1").split("\0").includes(processTag)) return [];
        const commandLine = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        const program =
          basename(readlinkSync(`/proc/${name}/exe`)) === "pulumi"
            ? "engine"
            : /provision\/provider\/|command-plugin\/|pulumi-resource-/.test(commandLine)
              ? "provider"
              : "other";
        return [{ pid: Number(name), program, commandLine } as const];
      } catch {
        return []; // ended meanwhile
      }
    });
}

/** The URNs of the steps that change something, in the order in which the engine announced them. */
function readBegun(eventLog: string): readonly string[] {
  return readText(eventLog)
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const { resourcePreEvent } = JSON.parse(line) as {
        readonly resourcePreEvent?: { readonly metadata: { readonly op: string; readonly urn: string } };
      };
      if (resourcePreEvent === undefined) return [];
      const { op, urn } = resourcePreEvent.metadata;
      return isHostStep(op, urn) ? [urn] : [];
    });
}

/** The sandbox's disk lies on this machine: its manifest is seen without asking the host. */
function readManifest(): string {
  return readText(join(readSandboxState(checkout).rootDirectory, "etc/cutter/ownership.jsonl"));
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function signal(pid: number, name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch {
    // ended meanwhile
  }
}

async function poll<T>(deadlineMs: number, look: () => Promise<T | null> | T | null, everyMs = pollMs): Promise<T | null> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== null || performance.now() > endMs) return found;
    await sleep(everyMs);
  }
}
