// The ssh-agent of one sandbox: holds its client key, so that no tool ever needs a key file as an input.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { childEnvironment, mustRun, runCommand } from "../base/process.ts";
import { pollUntil } from "../base/progress.ts";

/** Starts the agent on `socket` and loads the key; it lives until `down` ends it. Returns its pid. */
export async function startAgent(socket: string, clientKeyFile: string): Promise<number> {
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
  rmSync(socket, { force: true });
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { env: childEnvironment, stdio: "ignore", detached: true });
  agent.unref();
  const pid = agent.pid;
  if (pid === undefined || !(await pollUntil(10_000, 20, () => answers(socket))))
    throw new CutterError("SANDBOX_STEP_FAILED", { reason: "not_ready", what: "ssh-agent" });
  await mustRun("ssh-add", ["ssh-add", "-q", clientKeyFile], { environment: { SSH_AUTH_SOCK: socket } });
  return pid;
}

/** True when an agent answers there and holds a key. */
export async function isAgentAlive(socket: string): Promise<boolean> {
  return existsSync(socket) && (await runCommand(["ssh-add", "-l"], { environment: { SSH_AUTH_SOCK: socket } })).code === 0;
}

/** The file is there a moment before anybody listens on it; an agent that answers says 0 (keys) or 1 (none). */
async function answers(socket: string): Promise<boolean> {
  const { code } = await runCommand(["ssh-add", "-l"], { environment: { SSH_AUTH_SOCK: socket } });
  return code === 0 || code === 1;
}
