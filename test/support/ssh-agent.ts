// A stock ssh-agent that holds one key, for tests: authentication by agent is the only kind the kit uses.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

const startDeadlineMs = 10_000;

/** Starts ssh-agent on `socket` with `privateKey` in it. Returns the function that ends it. */
export async function startSshAgent(socket: string, privateKey: string): Promise<() => Promise<void>> {
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  const ended = new Promise<void>((done) => agent.on("close", () => done()));
  for (let waitedMs = 0; !existsSync(socket); waitedMs += 20) {
    if (waitedMs > startDeadlineMs) throw new Error("ssh-agent did not open its socket");
    await wait(20);
  }
  const added = spawnSync("ssh-add", ["-q", "-"], { input: privateKey, env: { PATH: process.env.PATH ?? "", SSH_AUTH_SOCK: socket }, encoding: "utf8" });
  if (added.status !== 0) throw new Error(`ssh-add refused the key: ${added.stderr}`);
  return async () => {
    agent.kill();
    await ended;
  };
}
