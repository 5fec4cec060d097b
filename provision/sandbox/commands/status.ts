// `sandbox status`: what runs, measured now, not remembered.
import { existsSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { isAgentAlive } from "../host/agent.ts";
import { imageCacheDirectory, toSandboxPaths } from "../base/paths.ts";
import type { Say } from "../base/progress.ts";
import { runInSandbox } from "./ssh.ts";
import { readSandboxState } from "../state/state.ts";
import { readLiveSupervisor } from "../machine/supervisor-record.ts";

/** Says one line per part; true when everything works. @throws SANDBOX_NOT_UP when there is no sandbox. */
export async function showStatus(checkout: string, say: Say): Promise<boolean> {
  const paths = toSandboxPaths(checkout);
  const state = readSandboxState(checkout);
  const supervisor = readLiveSupervisor(paths);
  if (supervisor === null) throw new CutterError("SANDBOX_NOT_UP", { name: paths.name, host: "powered off" });
  const host = await runInSandbox(
    checkout,
    "systemctl is-system-running; docker exec postgres psql -U directus -d directus -tAc 'show server_version' 2>&1; curl " +
      "-ks --max-time 5 https://kb.sandbox.test/api/health -o /dev/null -w '%{http_code}\\n'; ps -o etimes= -p 1",
    { timeoutMs: 20_000 },
  );
  const [system = "", postgres = "", kb = "", uptime = ""] = host.stdout.trim().split("\n");
  const agentAlive = await isAgentAlive(state.agentSocket);
  const parts = [
    {
      name: "host",
      fine: ["running", "degraded"].includes(system),
      says: `${state.name}, ${state.suite}, ${system || "no answer over ssh"}, booted ${uptime.trim()} s ago`,
    },
    { name: "address", fine: true, says: `${state.user}@${state.address}, supervisor ${supervisor.pid}` },
    { name: "postgres", fine: /^\d+\./.test(postgres), says: postgres || "no answer" },
    { name: "knowledge", fine: kb === "200", says: `${state.kb.baseUrl} answers ${kb || "nothing"}` },
    { name: "ssh-agent", fine: agentAlive, says: state.agentSocket },
    { name: "stack", fine: existsSync(paths.stackFile), says: "Pulumi.sandbox.yaml" },
    { name: "images", fine: true, says: imageCacheDirectory() },
  ];
  for (const part of parts) say(`${part.fine ? "[OK]  " : "[ERR] "} ${part.name.padEnd(10)} ${part.says}`);
  return parts.every((part) => part.fine);
}
