// `sandbox up`: from nothing, from the cache, or from a host that was powered off, to a running replica of the production host.
import { existsSync, mkdirSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { isAgentAlive, startAgent } from "../host/agent.ts";
import { bootHost } from "../machine/boot.ts";
import { toSandboxPaths, type SandboxPaths } from "../base/paths.ts";
import { stopHost, stopProcesses, removeFiles } from "../machine/cleanup.ts";
import { waitForPostgres } from "../host/database.ts";
import { readGrantMatrixSha } from "../host/grant-matrix.ts";
import type { Suite } from "../image/recipe.ts";
import { withSandboxLock } from "../machine/lock.ts";
import { assertMachineFits } from "../machine/requirements.ts";
import { makeSandbox } from "./make.ts";
import { Inside } from "../machine/nspawn.ts";
import { withOrdinaryUmask } from "../base/process.ts";
import { pollUntil, type Say, timed } from "../base/progress.ts";
import { runInSandbox } from "./ssh.ts";
import { readSandboxState, type SandboxState, writeSandboxState } from "../state/state.ts";
import { writeStackFile } from "../state/stack-file.ts";
import { readLiveSupervisor } from "../machine/supervisor-record.ts";

/**
 * Makes sure this checkout's sandbox runs, and returns its state. A running one is left as it is; one that was powered off is
 * booted again; one that was never finished is made anew. `suite` null: the one it has, or trixie.
 * @throws SANDBOX_SUITE_DIFFERS, SANDBOX_BUSY, what `assertMachineFits` throws, SANDBOX_STEP_FAILED
 */
export async function startSandbox(checkout: string, suite: Suite | null, say: Say): Promise<SandboxState> {
  assertMachineFits(checkout);
  const paths = toSandboxPaths(checkout);
  return withSandboxLock(paths, () => withOrdinaryUmask(() => makeOrResume(checkout, paths, suite, say)));
}

async function makeOrResume(checkout: string, paths: SandboxPaths, suite: Suite | null, say: Say): Promise<SandboxState> {
  const before = existsSync(paths.stateFile) ? readSandboxState(checkout) : null;
  if (before === null) {
    if (existsSync(paths.directory)) {
      await timed(say, "remains of an unfinished sandbox removed", async () => {
        await stopProcesses(paths);
        await removeFiles(paths);
      });
    }
    mkdirSync(paths.directory, { recursive: true, mode: 0o700 });
    mkdirSync(paths.runtimeDirectory, { recursive: true, mode: 0o700 });
    const state = await makeSandbox(paths, suite ?? "trixie", say);
    await waitForSsh(checkout, say);
    return state;
  }
  if (suite !== null && suite !== before.suite) throw new CutterError("SANDBOX_SUITE_DIFFERS", { has: before.suite, wanted: suite });
  return resume(paths, before, say);
}

/** Boots again what was powered off, and writes the stack file anew: it follows the files of the checkout. */
async function resume(paths: SandboxPaths, before: SandboxState, say: Say): Promise<SandboxState> {
  mkdirSync(paths.runtimeDirectory, { recursive: true, mode: 0o700 });
  const agentPid = (await isAgentAlive(paths.agentSocket))
    ? before.agentPid
    : await startAgent(paths.agentSocket, `${paths.keysDirectory}/client`);
  const supervisor = readLiveSupervisor(paths);
  if (supervisor === null) await stopHost(paths); // an orphan, if its supervisor was killed
  const pid =
    supervisor?.pid ?? (await timed(say, "host booted again", async () => (await bootHost(paths, before.outerAddress)).supervisorPid));
  const state = { ...before, pid, agentPid };
  writeSandboxState(paths.checkout, state);
  await waitForSsh(paths.checkout, say);
  const inside = new Inside(readLiveSupervisor(paths)?.nspawnPid ?? 0);
  if (!(await waitForPostgres(inside))) throw new CutterError("SANDBOX_STEP_FAILED", { reason: "not_ready", what: "PostgreSQL" });
  writeStackFile(paths, state, await readGrantMatrixSha(inside, paths.checkout));
  return state;
}

async function waitForSsh(checkout: string, say: Say): Promise<void> {
  await timed(say, "ssh answers with the pinned host key", async () => {
    const answered = await pollUntil(20_000, 200, async () => (await runInSandbox(checkout, "true", { timeoutMs: 10_000 })).code === 0);
    if (!answered) throw new CutterError("SANDBOX_STEP_FAILED", { reason: "not_ready", what: "ssh" });
  });
}
