// The one ready host that the e2e files share: an `up` makes it ready; after that it is read, and only what an earlier file changed is
// made ready again.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout, npm, onHost } from "./e2e.ts";
import { readHostAndState } from "./stack.ts";

/** Beside the sandbox, so that it goes with it. */
const recordFile = join(checkout, ".sandbox/ready-host.txt");

/** Makes the host ready the way a person does. @throws with what the engine printed, when it failed */
export async function makeReady(): Promise<void> {
  const selected = await npm("pulumi", "stack", "select", "--create", "sandbox");
  const up = await npm("pulumi", "up", "--stack", "sandbox", "--yes", "--skip-preview");
  if (selected.code !== 0 || up.code !== 0) throw new Error(`pulumi up failed:\n${selected.output}\n${up.output}`);
}

/**
 * A ready host, for a file of tests: host, switch, state and stack config are read, and when they are what this function left behind for an
 * earlier file, an `up` would find nothing to do and is left out. A row that proves something of `up` itself runs its own.
 * @throws as `makeReady`
 */
export async function ensureReady(): Promise<void> {
  // What cannot be read (a stack that a test removed) is not ready either.
  if (existsSync(recordFile) && readFileSync(recordFile, "utf8") === (await readReady().catch(() => ""))) return;
  await makeReady();
  writeFileSync(recordFile, await readReady());
}

/** A new run of tests may have other sources: its first file makes the host ready. */
export function forgetReadyHost(): void {
  rmSync(recordFile, { force: true });
}

async function readReady(): Promise<string> {
  const [world, { stdout: execution }] = [await readHostAndState(), await onHost("cutter kill-switch status")];
  return `${world}execution ${execution}${readFileSync(join(checkout, "Pulumi.sandbox.yaml"), "utf8")}`;
}
