// Trials of what the host's sshd limits: sessions on one connection, and keys that may be tried.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openConnection } from "../../../provision/host/connection.ts";
import { readSandboxState } from "../../../provision/sandbox/state/state.ts";
import { checkout, onHost } from "../e2e.ts";
import { startSshAgent } from "../hosts/ssh-agent.ts";
import { createSshKeyPair } from "../hosts/ssh-keys.ts";
import { withKit } from "../kit.ts";
import { readTree } from "../stack.ts";
import type { ConnectionTrial } from "./connection-mutations.ts";
import type { Trial } from "./trials.ts";

const slowLineMs = 150;

export function toLimitTrials(world: () => ConnectionTrial): readonly Trial[] {
  return [
    { name: "MaxSessions 1 on a slow line", run: async () => await lookAndRepair(world(), 1) },
    { name: "MaxSessions 0", run: async () => await lookAndRepair(world(), 0) },
    { name: "eight keys in the agent, the right one last", run: async () => await tryEightKeys(world()) },
  ];
}

/** All that the stack has is looked at at once, as by a preview, while one thing is wrong; then that is repaired. */
async function lookAndRepair({ connection, resources, tree }: ConnectionTrial, maxSessions: number): Promise<string> {
  await onHost("chmod 0600 /etc/cutter/rollback_runbook.sql");
  await connection.restart({ maxSessions });
  try {
    connection.proxy.slow(slowLineMs);
    const said = await withKit(connection.proxy.port, async (kit) => {
      const seen = await Promise.all(resources.map(async (resource) => await kit.observe(resource)));
      const damaged = resources.filter((_resource, index) => seen[index] === "differs");
      return [...seen, ...(await Promise.all(damaged.map(async (resource) => await kit.up(resource))))];
    });
    if (maxSessions === 0) {
      if (said.some((text) => !/^HOST_UNREACHABLE .*MaxSessions/.test(text))) throw new Error(said.join("\n"));
      return said[0] ?? "";
    }
    const others = said.filter((text) => text !== "equal");
    if (others.join() !== "differs,done") throw new Error(others.join("\n"));
    if ((await readTree()) !== tree) throw new Error("the host's tree differs");
    return `${resources.length} resources looked at, one repaired`;
  } finally {
    await connection.restart();
    await onHost("chmod 0644 /etc/cutter/rollback_runbook.sql");
  }
}

async function tryEightKeys({ connection }: ConnectionTrial): Promise<string> {
  await connection.restart();
  const { hostKey, machineIdentity } = readSandboxState(checkout);
  const address = { name: "sandbox", host: "127.0.0.1", port: connection.proxy.port, user: "root", hostKey, machineIdentity } as const;
  const folder = mkdtempSync(join(tmpdir(), "ck-"));
  const socket = join(folder, "agent");
  const right = readFileSync(join(checkout, ".sandbox/keys/client"), "utf8");
  const stop = await startSshAgent(socket, ...Array.from({ length: 7 }, () => createSshKeyPair().private), right);
  try {
    const refused = await openConnection(address, { socket, wanted: null }).then(
      () => "let in",
      (error: unknown) => String(error),
    );
    const held = /HOST_AUTH_REFUSED .*offered=(.*) held_back=(.*) →/.exec(refused);
    const count = (text = ""): number => text.match(/SHA256:/g)?.length ?? 0;
    if (count(held?.[1]) !== 6 || count(held?.[2]) !== 2) throw new Error(refused);
    const wanted = /SHA256:[A-Za-z0-9+/]{43}/g[Symbol.match](held?.[2] ?? "")?.at(-1) ?? "";
    (await openConnection(address, { socket, wanted })).close();
    return "HOST_AUTH_REFUSED names six offered and two held back; the named one is let in";
  } finally {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
