// A stock ssh-agent that holds the keys it is given, for tests: authentication by agent is the only kind the kit uses.
import { spawn, spawnSync } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";

const startDeadlineMs = 10_000;

/** Starts ssh-agent on `socket` with these keys in it, in this order. Returns the function that ends it. */
export async function startSshAgent(socket: string, ...privateKeys: readonly string[]): Promise<() => Promise<void>> {
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  const ended = new Promise<void>((done) => agent.on("close", () => done()));
  const env = { PATH: process.env.PATH ?? "", SSH_AUTH_SOCK: socket };
  // Its socket's file stands a moment before anybody listens: 1 is an agent without keys, 2 is none.
  for (let waitedMs = 0; spawnSync("ssh-add", ["-l"], { env, stdio: "ignore" }).status === 2; waitedMs += 20) {
    if (waitedMs > startDeadlineMs) throw new Error("ssh-agent did not answer");
    await wait(20);
  }
  for (const input of privateKeys) {
    const added = spawnSync("ssh-add", ["-q", "-"], { input, env, encoding: "utf8" });
    if (added.status !== 0) throw new Error(`ssh-add refused the key: ${added.stderr}`);
  }
  return async () => {
    agent.kill();
    await ended;
  };
}
