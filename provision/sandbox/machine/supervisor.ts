// The process that keeps a sandbox host alive: boots it, gives the outer end of its veth an address, boots it again when it asked for a
// reboot. Started detached by `up` with the place and the outer address as arguments; ends on SIGTERM, or when the host powers itself off.
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { killCgroups, removeCgroups, toGroupedArguments } from "./cgroup.ts";
import { toSandboxPaths } from "../base/paths.ts";
import { findLeader, nspawnEnvironment, powerOffNowSignal, powerOffSignal, rebootExitCode, toNspawnArguments } from "./nspawn.ts";
import { childEnvironment, mustRun, runCommand } from "../base/process.ts";
import { pollUntil } from "../base/progress.ts";
import { readStartTicks, writeSupervisorRecord } from "./supervisor-record.ts";

const orderlyStopMs = 10_000;
const interfaceLimitMs = 20_000;

if (import.meta.main) {
  const [checkout = "", outerAddress = ""] = process.argv.slice(2);
  await supervise(checkout, outerAddress);
}

/** Returns when the host is gone for good. Leaves no process, cgroup or record of its own behind. */
export async function supervise(checkout: string, outerAddress: string): Promise<void> {
  const paths = toSandboxPaths(checkout);
  let stopping = false;
  let host: ChildProcess | null = null;
  const stop = () => {
    stopping = true;
    powerOff(host?.pid ?? null);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  for (;;) {
    host = bootHost(paths.rootDirectory, paths.name);
    writeSupervisorRecord(paths, { pid: process.pid, startTicks: readStartTicks(process.pid), nspawnPid: host.pid ?? 0, outerAddress });
    const ended = waitForEnd(host);
    await Promise.race([ended, addressInterface(paths.outerInterface, outerAddress)]).catch((error: unknown) => console.error(error));
    const exitCode = await ended;
    killCgroups(paths.name); // nspawn killed by force leaves its container running
    await pollUntil(5_000, 20, async () => removeCgroups(paths.name));
    console.log(`[INFO] host ended with ${exitCode}`);
    if (stopping || exitCode !== rebootExitCode) break;
  }
  rmSync(paths.supervisorFile, { force: true });
}

function bootHost(rootDirectory: string, name: string): ChildProcess {
  const [program = "", ...args] = toGroupedArguments(name, toNspawnArguments(rootDirectory, name, "veth"));
  return spawn(program, args, { env: { ...childEnvironment, ...nspawnEnvironment }, stdio: ["ignore", "inherit", "inherit"] });
}

function waitForEnd(host: ChildProcess): Promise<number | null> {
  return new Promise((done) => {
    host.on("error", (error) => {
      console.error(error);
      done(null);
    });
    host.on("exit", (code) => done(code));
  });
}

/** nspawn makes the veth, but nobody outside configures it; a reboot makes a new one. */
async function addressInterface(outerInterface: string, outerAddress: string): Promise<void> {
  const there = await pollUntil(
    interfaceLimitMs,
    20,
    async () => (await runCommand(["ip", "link", "show", "dev", outerInterface])).code === 0,
  );
  if (!there) throw new Error(`interface ${outerInterface} did not appear`);
  await mustRun("veth address", ["ip", "address", "replace", `${outerAddress}/30`, "dev", outerInterface]);
  await mustRun("veth up", ["ip", "link", "set", "dev", outerInterface, "up"]);
}

/** In order first; at once when that takes too long; by force when even that does. */
function powerOff(nspawnPid: number | null): void {
  const leader = nspawnPid === null ? null : findLeader(nspawnPid);
  if (nspawnPid === null) return;
  signal(leader ?? nspawnPid, leader === null ? "SIGTERM" : powerOffSignal);
  setTimeout(() => leader !== null && signal(leader, powerOffNowSignal), orderlyStopMs).unref();
  setTimeout(() => signal(nspawnPid, "SIGKILL"), orderlyStopMs + 3_000).unref();
}

function signal(pid: number, which: NodeJS.Signals | number): void {
  try {
    process.kill(pid, which);
  } catch {
    // gone already: what was wanted
  }
}
