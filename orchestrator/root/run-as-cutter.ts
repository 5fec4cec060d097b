// run-as-cutter -- ARGS: what root asks of the orchestrator runs as cutter, in a transient unit with the confinement and the credentials of a run's.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { toNeededNames } from "../core/env-sources.ts";
import { cutterUser } from "../core/host-layout.ts";
import { orchestratorConfinement, toSettingLines } from "../core/confinement.ts";
import type { OrchestratorConfig } from "../core/config-schema.ts";
import { removeCredentials, writeCredentials } from "./credentials.ts";
import type { Host } from "./host.ts";
import { readConfig, readEnvValues } from "./settings.ts";

/**
 * The command's exit code, which is the orchestrator's own. The credentials are gone when it returns, whatever happened; an interrupt stops the unit first.
 * `command` is the `cutter` beside this helper, so that both are of one release. @throws CONFIG_INVALID, ENV_*, HOST_FILE_*
 */
export async function runAsCutter(host: Host, command: string, args: readonly string[], environment: Readonly<Record<string, string>>): Promise<number> {
  const config = readConfig(host);
  const name = `_adhoc.${randomBytes(6).toString("hex")}`; // no run id begins so
  const unit = `cutter-adhoc-${name.slice(-12)}`;
  const credentials = writeCredentials(host, name, readEnvValues(host, toNeededNames(config), config));
  const interrupted = () => spawn("systemctl", ["stop", unit], { env: { PATH: path }, stdio: "ignore" });
  process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
  try {
    return await waitFor(["--unit", unit, ...toSystemdRunArgs(config, credentials, environment), "--", command, ...args]);
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    removeCredentials(host, name);
  }
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The same properties as cutter-run@.service, except that any run's folder may be written: which run is meant, only the command knows. Pure. */
export function toSystemdRunArgs(config: Pick<OrchestratorConfig, "run_hard_cap_minutes" | "sidecar_root" | "batch_dir" | "global_locks_dir">, credentials: string, environment: Readonly<Record<string, string>>): readonly string[] {
  const properties = [
    `User=${cutterUser}`,
    `Group=${cutterUser}`,
    `LoadCredential=s:${credentials}`,
    `RuntimeMaxSec=${config.run_hard_cap_minutes + 5}min`,
    "SuccessExitStatus=10 11 20",
    "SyslogIdentifier=cutter",
    `ReadWritePaths=${config.sidecar_root}`,
    `ReadWritePaths=${config.batch_dir}`,
    `ReadWritePaths=${config.global_locks_dir}`,
    ...toSettingLines(orchestratorConfinement),
  ];
  const passed = Object.entries(environment).map(([name, value]) => `--setenv=${name}=${value}`);
  return ["--quiet", "--wait", "--pipe", "--collect", "--service-type=exec", ...properties.flatMap((property) => ["-p", property]), ...passed];
}

function waitFor(args: readonly string[]): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn("systemd-run", args, { env: { PATH: path }, stdio: "inherit" });
    child.on("error", fail);
    child.on("close", (code) => done(code ?? 70));
  });
}
