// Trials of hosts that must not be talked to, or cannot be: what is said, how soon, what sshd saw of it, and that nothing was written.
import { withKit } from "../kit.ts";
import type { TrialConnection, ServerFault } from "./connection.ts";
import type { ConnectionTrial } from "./connection-mutations.ts";
import { readTree } from "../stack.ts";
import type { Trial } from "./trials.ts";

/** Deadline of a connection 15 s; the rest is for a loaded machine. */
const tooLateS = 40;

interface ConnectionRefusal {
  readonly name: string;
  readonly fault?: ServerFault;
  readonly arrange?: (line: TrialConnection) => void;
  readonly code: string;
  readonly names?: string; // a fact the message must show
  /** sshd's log and the commands it was given; returns what is wrong with them. */
  readonly check: (log: string, commands: readonly string[]) => string | null;
}

const attempts = (log: string): number => log.split("\n").filter((line) => /^(Failed|Accepted) publickey for /.test(line)).length;
const loginLines = (log: string): number =>
  log.split("\n").filter((line) => /^(Failed|Accepted|Postponed) |authenticating user|Invalid user/.test(line)).length;
const connections = (log: string): number => log.split("\n").filter((line) => line.startsWith("Connection from ")).length;
const nothing = (log: string, commands: readonly string[]): string | null =>
  loginLines(log) + commands.length === 0 ? null : "it went on to log in";

const refusals: readonly ConnectionRefusal[] = [
  {
    name: "another host key",
    fault: { hostKey: "another" },
    code: "HOST_KEY_MISMATCH",
    check: (log, commands) => nothing(log, commands) ?? (connections(log) === 1 ? null : `${connections(log)} connections`),
  },
  {
    name: "another machine behind the right key",
    fault: { machineIdentity: "another" },
    code: "HOST_IDENTITY_MISMATCH",
    check: (_log, commands) =>
      commands.length === 1 && commands[0]?.includes("cat /etc/machine-id") === true ? null : `commands: ${commands.join(" | ")}`,
  },
  {
    name: "refused authentication",
    fault: { authorizedKeys: "none" },
    code: "HOST_AUTH_REFUSED",
    check: (log, commands) => {
      const failed = log.split("\n").filter((line) => line.startsWith("Failed publickey")).length;
      return connections(log) === 1 && failed === 1 && commands.length === 0
        ? null
        : `${connections(log)} connections, ${failed} failed attempts`;
    },
  },
  { name: "unreachable: packets vanish", fault: { unreachable: true }, code: "HOST_UNREACHABLE", names: "deadline_s=15", check: nothing },
  {
    name: "stall before the banner",
    arrange: ({ proxy }) => proxy.stall(),
    code: "HOST_UNREACHABLE",
    names: "deadline_s=15",
    check: nothing,
  },
  {
    name: "stall in the key exchange",
    arrange: ({ proxy }) => proxy.afterBytes("server", 200, proxy.stall),
    code: "HOST_UNREACHABLE",
    names: "deadline_s=15",
    check: nothing,
  },
  {
    name: "cut in the key exchange",
    arrange: ({ proxy }) => proxy.afterBytes("server", 200, proxy.cutAll),
    code: "HOST_UNREACHABLE",
    check: nothing,
  },
];

/** Everything the stack has is asked for at once, as a preview does; then a change is asked for. */
export function toRefusalTrials(world: () => ConnectionTrial): readonly Trial[] {
  return refusals.map(({ name, fault, arrange, code, names, check }) => ({
    name,
    run: async () => {
      const { connection, resources, tree } = world();
      await connection.restart(fault);
      try {
        arrange?.(connection);
        const startedMs = performance.now();
        const said = await withKit(
          connection.proxy.port,
          async (kit) => await Promise.all(resources.map(async (resource) => await kit.observe(resource))),
        );
        const endedS = (performance.now() - startedMs) / 1000;
        const others = said.filter((text) => !text.startsWith(`${code} `));
        if (others.length > 0) throw new Error(`not ${code}: ${others[0]}`);
        if (names !== undefined && said[0]?.includes(names) !== true) throw new Error(`${names} is not named: ${said[0]}`);
        if (endedS > tooLateS) throw new Error(`it took ${endedS.toFixed(1)} s`);
        const [log, commands] = [await connection.readLog(), await connection.readCommands()];
        const wrong = check(log, commands);
        if (wrong !== null) throw new Error(`${wrong}\n${log}`);
        if ((await readTree()) !== tree) throw new Error("the host's tree differs");
        return (
          `${code} after ${endedS.toFixed(1)} s for ${resources.length} resources; sshd saw ${connections(log)} connections, ` +
          `${attempts(log)} attempts, ${commands.length} commands${names === undefined ? "" : `; ${names}`}`
        );
      } finally {
        await connection.restart();
      }
    },
  }));
}
