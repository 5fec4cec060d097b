// The container that is the host: how systemd-nspawn is called, who its PID 1 is, and how to act inside it from outside.
import { readFileSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { type CommandOptions, type CommandOutcome, mustRun, runCommand } from "../base/process.ts";

/** Where the outer machine mounts cgroup v1 too, systemd 257 and later boot only if nspawn is told to give them the unified tree. */
export const nspawnEnvironment = { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" } as const;

/** nspawn's exit code for "the host asked to be rebooted". */
export const rebootExitCode = 133;

/** Signals PID 1 of the container understands: SIGRTMIN+4 powers off in order, SIGRTMIN+14 at once. SIGRTMIN is 34 in glibc. */
export const powerOffSignal = 34 + 4;
export const powerOffNowSignal = 34 + 14;

/**
 * argv that boots `rootDirectory`. Docker inside needs every capability and the system calls of keyrings and BPF (its device
 * rules). `network`: a veth whose outer end is ve-NAME, or no network but loopback (for making images).
 */
export function toNspawnArguments(rootDirectory: string, machine: string, network: "veth" | "private"): readonly string[] {
  return [
    "systemd-nspawn",
    "--quiet",
    "--register=no",
    "--keep-unit",
    "--settings=no",
    "--boot",
    `--directory=${rootDirectory}`,
    `--machine=${machine}`,
    network === "veth" ? "--network-veth" : "--private-network",
    "--console=pipe",
    "--link-journal=no",
    "--resolv-conf=off",
    "--timezone=off",
    "--capability=all",
    "--system-call-filter=@keyring bpf",
  ];
}

/** PID 1 of the container, as seen from outside; null while it is not there (yet, or any more). */
export function findLeader(nspawnPid: number): number | null {
  try {
    const children = readFileSync(`/proc/${nspawnPid}/task/${nspawnPid}/children`, "utf8").trim();
    const first = children.split(" ")[0];
    return first === undefined || first === "" ? null : Number(first);
  } catch {
    return null;
  }
}

/** argv that runs `argv` as root inside all namespaces of the container. */
export function toInsideArguments(leader: number, argv: readonly string[]): readonly string[] {
  return ["nsenter", `--target=${leader}`, "--all", "--", ...argv];
}

/** Acts inside a booted container from outside, without ssh: for making the host, as its provider would. */
export class Inside {
  readonly #nspawnPid: number;

  constructor(nspawnPid: number) {
    this.#nspawnPid = nspawnPid;
  }

  run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandOutcome> {
    return runCommand(toInsideArguments(this.leader(), argv), options);
  }

  mustRun(what: string, argv: readonly string[], options: CommandOptions = {}): Promise<string> {
    return mustRun(what, toInsideArguments(this.leader(), argv), options);
  }

  /** @throws SANDBOX_NOT_UP when the container is gone. */
  leader(): number {
    const leader = findLeader(this.#nspawnPid);
    if (leader === null) throw new CutterError("SANDBOX_NOT_UP", { nspawn_pid: this.#nspawnPid });
    return leader;
  }

  /** True as soon as every boot job is done and nothing failed or something did (`degraded`): the host is usable. */
  async isBooted(): Promise<boolean> {
    if (findLeader(this.#nspawnPid) === null) return false;
    const outcome = await this.run(["systemctl", "is-system-running"], { timeoutMs: 5_000 });
    return ["running", "degraded"].includes(outcome.stdout.trim());
  }
}
