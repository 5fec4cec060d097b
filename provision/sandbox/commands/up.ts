// `sandbox up`: from nothing, from the cache, or from a host that was powered off, to a running replica of the production host.
import { existsSync, mkdirSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { isAgentAlive, startAgent } from "../host/agent.ts";
import { bootHost } from "../machine/boot.ts";
import { toSandboxPlace, type SandboxPlace } from "../base/place.ts";
import { endHost, endProcesses, removeFiles } from "../machine/cleanup.ts";
import { waitForPostgres } from "../host/database.ts";
import { readGrantMatrixSha } from "../host/grant-matrix.ts";
import type { Suite } from "../image/recipe.ts";
import { withSandboxLock } from "../machine/lock.ts";
import { assertMachineFits } from "../machine/requirements.ts";
import { makeSandbox } from "./make.ts";
import { Inside } from "../machine/nspawn.ts";
import { pollUntil, type Say, timed } from "../base/progress.ts";
import { runOnHost } from "./ssh.ts";
import { readSandboxState, type SandboxState, writeSandboxState } from "../state/state.ts";
import { writeStackFile } from "../state/stack-file.ts";
import { readLiveSupervisor } from "../machine/supervisor-record.ts";

/**
 * Makes sure this checkout's sandbox runs, and returns its state. A running one is left as it is; one that was powered off is
 * booted again; one that was never finished is made anew. `suite` null: the one it has, or trixie.
 * @throws SANDBOX_SUITE_DIFFERS, SANDBOX_BUSY, what `assertMachineFits` throws, SANDBOX_STEP_FAILED, SANDBOX_NOT_READY
 */
export async function bringUp(checkout: string, suite: Suite | null, say: Say): Promise<SandboxState> {
  assertMachineFits(checkout);
  const place = toSandboxPlace(checkout);
  return withSandboxLock(place, async () => {
    const before = existsSync(place.stateFile) ? readSandboxState(checkout) : null;
    if (before === null) {
      if (existsSync(place.directory)) {
        await timed(say, "remains of an unfinished sandbox removed", async () => {
          await endProcesses(place);
          await removeFiles(place);
        });
      }
      mkdirSync(place.directory, { recursive: true, mode: 0o700 });
      mkdirSync(place.runtimeDirectory, { recursive: true, mode: 0o700 });
      const state = await makeSandbox(place, suite ?? "trixie", say);
      await waitForSsh(checkout, say);
      return state;
    }
    if (suite !== null && suite !== before.suite) throw new CutterError("SANDBOX_SUITE_DIFFERS", { has: before.suite, wanted: suite });
    return resume(place, before, say);
  });
}

/** Boots again what was powered off, and writes the stack file anew: it follows the files of the checkout. */
async function resume(place: SandboxPlace, before: SandboxState, say: Say): Promise<SandboxState> {
  mkdirSync(place.runtimeDirectory, { recursive: true, mode: 0o700 });
  const agentPid = (await isAgentAlive(place.agentSocket))
    ? before.agentPid
    : await startAgent(place.agentSocket, `${place.keysDirectory}/client`);
  const supervisor = readLiveSupervisor(place);
  if (supervisor === null) await endHost(place); // an orphan, if its supervisor was killed
  const pid =
    supervisor?.pid ?? (await timed(say, "host booted again", async () => (await bootHost(place, before.outerAddress)).supervisorPid));
  const state = { ...before, pid, agentPid };
  writeSandboxState(place.checkout, state);
  await waitForSsh(place.checkout, say);
  const inside = new Inside(readLiveSupervisor(place)?.nspawnPid ?? 0);
  if (!(await waitForPostgres(inside))) throw new CutterError("SANDBOX_NOT_READY", { what: "PostgreSQL" });
  writeStackFile(place, state, await readGrantMatrixSha(inside, place.checkout));
  return state;
}

async function waitForSsh(checkout: string, say: Say): Promise<void> {
  await timed(say, "ssh answers with the pinned host key", async () => {
    const answered = await pollUntil(20_000, 200, async () => (await runOnHost(checkout, "true", { timeoutMs: 10_000 })).code === 0);
    if (!answered) throw new CutterError("SANDBOX_NOT_READY", { what: "ssh" });
  });
}
