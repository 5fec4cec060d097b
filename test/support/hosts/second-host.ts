// A second rented host beside the sandbox: another replica, made from the same cached image, that lets the sandbox's own client key in.
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { removeSandbox } from "../../../provision/sandbox/commands/down.ts";
import { runInSandbox } from "../../../provision/sandbox/commands/ssh.ts";
import type { SandboxState } from "../../../provision/sandbox/state/state.ts";
import { startSandbox } from "../../../provision/sandbox/commands/up.ts";
import { checkout } from "../e2e.ts";

export interface SecondHost {
  readonly state: SandboxState;
  /** stdout of a shell command there, as root. */
  readonly run: (commandLine: string) => Promise<string>;
  readonly powerOff: () => Promise<void>;
  readonly powerOn: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

const stackFile = join(checkout, "Pulumi.sandbox.yaml");
const quiet = (): void => undefined;

/** Its files lie in a folder of their own: a sandbox belongs to a checkout's path. */
export async function makeSecondHost(): Promise<SecondHost> {
  const place = mkdtempSync(join(tmpdir(), "ck-second-"));
  symlinkSync(join(checkout, "sql"), join(place, "sql"));
  const run = async (commandLine: string): Promise<string> => (await runInSandbox(place, commandLine)).stdout;
  const remove = async (): Promise<void> => {
    await removeSandbox(place, quiet);
    rmSync(place, { recursive: true, force: true });
  };
  try {
    const state = await startSandbox(place, null, quiet);
    await runInSandbox(place, "cat >> /root/.ssh/authorized_keys", {
      input: readFileSync(join(checkout, ".sandbox/keys/client.pub"), "utf8"),
    });
    // ssh ends with the host, so its exit code says nothing; whether it is gone is asked by the next command.
    return {
      state,
      run,
      powerOff: async () => void (await runInSandbox(place, "systemctl --no-block poweroff")),
      powerOn: async () => void (await startSandbox(place, null, quiet)),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Rewrites the sandbox's stack so that it has both hosts, the first under the name it has already. Gives what puts the file back. */
export function listBothHosts({ state }: SecondHost): () => void {
  const text = readFileSync(stackFile, "utf8");
  const { config } = parse(text) as { readonly config: Readonly<Record<string, unknown>> };
  const single = ["host", "port", "user", "hostKey", "machineIdentity"] as const;
  const first = Object.fromEntries(single.map((name) => [name, config[`cutter-kit:${name}`]]));
  const others = Object.entries(config).filter(([key]) => !single.some((name) => key === `cutter-kit:${name}`));
  const second = {
    name: "second",
    host: state.address,
    port: state.port,
    user: state.user,
    hostKey: state.hostKey,
    machineIdentity: state.machineIdentity,
  };
  writeFileSync(
    stackFile,
    stringify({ config: { ...Object.fromEntries(others), "cutter-kit:hosts": [{ name: "sandbox", ...first }, second] } }, { lineWidth: 0 }),
  );
  return () => writeFileSync(stackFile, text);
}
