// The way in for people and tests: stock OpenSSH with the sandbox's own agent, its pinned host key and nothing of the user's configuration.
import { spawn } from "node:child_process";
import { toSandboxPaths } from "../base/paths.ts";
import { childEnvironment, type CommandOptions, type CommandOutcome, mustRun, runCommand } from "../base/process.ts";
import { readSandboxState, type SandboxState } from "../state/state.ts";

/** argv of ssh up to and including the host. Host key checked strictly, key from the agent only, no fallback to anything. */
export function toSshArguments(state: Pick<SandboxState, "address" | "user" | "agentSocket">, knownHosts: string): readonly string[] {
  const options = [
    `UserKnownHostsFile=${toSshValue(knownHosts)}`,
    "GlobalKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=yes",
    "HostKeyAlgorithms=ssh-ed25519",
    `IdentityAgent=${state.agentSocket}`,
    "IdentityFile=none",
    "PreferredAuthentications=publickey",
    "BatchMode=yes",
    "ConnectTimeout=5",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "LogLevel=ERROR",
  ];
  return ["ssh", "-F", "none", ...options.flatMap((option) => ["-o", option]), `${state.user}@${state.address}`];
}

/** `path` as one value of an ssh option: ssh parts values at spaces, takes quotes away and expands `%`. Pure. */
function toSshValue(path: string): string {
  return `"${path.replaceAll("%", "%%").replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/**
 * Runs a shell command line on the sandbox host as root over ssh, for tests and tools. Never throws for a non-zero exit; 255 is ssh's own.
 */
export function runInSandbox(checkout: string, commandLine: string, options: CommandOptions = {}): Promise<CommandOutcome> {
  return runCommand([...toSshArguments(readSandboxState(checkout), toSandboxPaths(checkout).knownHosts), commandLine], options);
}

/** Like `runInSandbox`; a non-zero end throws SANDBOX_STEP_FAILED. Returns stdout. */
function mustRunInSandbox(checkout: string, commandLine: string, options: CommandOptions = {}): Promise<string> {
  return mustRun(
    commandLine.slice(0, 120),
    [...toSshArguments(readSandboxState(checkout), toSandboxPaths(checkout).knownHosts), commandLine],
    options,
  );
}

/**
 * SQL into the sandbox's database by production's own path: psql inside the container, text on stdin. Unaligned rows, fields parted by |.
 */
export async function queryInSandbox(checkout: string, sql: string, login = "workflow_admin", database = "directus"): Promise<string> {
  const output = await mustRunInSandbox(
    checkout,
    `docker exec -i postgres psql -X -q -t -A -v ON_ERROR_STOP=1 -U ${login} -d ${database}`,
    {
      input: sql,
    },
  );
  return output.trimEnd();
}

/** `ssh [-- COMMAND]`: a shell when there is no command; exit code and output are the command's. */
export function openSandboxShell(checkout: string, command: readonly string[]): Promise<number> {
  const state = readSandboxState(checkout);
  const [program = "", ...args] = toSshArguments(state, toSandboxPaths(checkout).knownHosts);
  const environment = { ...childEnvironment, TERM: process.env["TERM"] ?? "dumb" };
  return new Promise((done, fail) => {
    const child = spawn(program, [...args, ...command], { stdio: "inherit", env: environment });
    child.on("error", fail);
    child.on("close", (code) => done(code ?? 255));
  });
}
