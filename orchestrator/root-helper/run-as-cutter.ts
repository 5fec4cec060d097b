// run-as-cutter -- ARGS: what root asks of the orchestrator runs as cutter, in a transient unit with the confinement and the credentials of
// a run's.
import { spawn } from "node:child_process";
import { toNeededNames } from "../core/host/env-sources.ts";
import { cutterUser } from "../core/host/layout.ts";
import { orchestratorConfinement, toSettingLines } from "../core/host/confinement.ts";
import type { OrchestratorConfig } from "../core/config-schema.ts";
import { codes } from "../core/codes/index.ts";
import { CutterError } from "../core/errors.ts";
import { writeSecrets } from "./state/credentials.ts";
import { createTempSecretFolder, type TempSecretFolder } from "./files/temp-secret-folder.ts";
import type { Host } from "./files/host.ts";
import { readConfig, readEnvValues } from "./files/settings.ts";

/**
 * The command's exit code, which is the orchestrator's own. The credentials are gone when it returns, whatever happened; a signal, that of
 * a lost terminal included, removes them at once and stops the unit. `command` is the `cutter` beside this helper, so that both are of one
 * release.
 * @throws CONFIG_INVALID, ENV_*, HOST_FILE_*, ADHOC_UNIT_FAILED when systemd ended the unit, or did not start it, and the command told
 * nothing
 */
export async function runAsCutter(
  host: Host,
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  path: string = standardPath,
): Promise<number> {
  const config = readConfig(host);
  const values = readEnvValues(host, toNeededNames(config), config);
  const credentials: TempSecretFolder = createTempSecretFolder(
    host,
    "adhoc",
    (folder) => writeSecrets(folder, values),
    () => stopUnit(toUnit(credentials), path),
  );
  const unit = toUnit(credentials);
  try {
    const code = await waitFor(["--unit", unit, ...toSystemdRunArgs(config, credentials.path, environment), "--", command, ...args], path);
    if (code === null || !commandCodes.has(code)) throw new CutterError("ADHOC_UNIT_FAILED", { unit, systemd_run_exit: code });
    return code;
  } finally {
    credentials.remove();
  }
}

const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * What the command itself can end with: done, waiting, written and waiting, and the registry's. systemd's own (1, 200 and above) mean
 * something else.
 */
const commandCodes: ReadonlySet<number> = new Set([0, 11, 20, ...Object.values(codes).map(({ exit }) => exit)]);

function toUnit(credentials: TempSecretFolder): string {
  return `cutter-adhoc-${credentials.id}`;
}

function stopUnit(unit: string, path: string): void {
  spawn("systemctl", ["stop", unit], { env: { PATH: path }, stdio: "ignore" }).on("error", () => undefined); // RuntimeMaxSec ends it then
}

/**
 * The same properties as cutter-run@.service, except that any run's folder may be written: which run is meant, only the command knows.
 * No SuccessExitStatus: systemd-run --wait would turn those codes into 0. Pure.
 */
function toSystemdRunArgs(
  config: Pick<OrchestratorConfig, "run_hard_cap_minutes" | "sidecar_root" | "batch_dir" | "global_locks_dir">,
  credentials: string,
  environment: Readonly<Record<string, string>>,
): readonly string[] {
  const properties = [
    `User=${cutterUser}`,
    `Group=${cutterUser}`,
    `LoadCredential=s:${credentials}`,
    `RuntimeMaxSec=${config.run_hard_cap_minutes + 5}min`,
    "SyslogIdentifier=cutter",
    `ReadWritePaths=${config.sidecar_root}`,
    `ReadWritePaths=${config.batch_dir}`,
    `ReadWritePaths=${config.global_locks_dir}`,
    ...toSettingLines(orchestratorConfinement),
  ];
  const passed = Object.entries(environment).map(([name, value]) => `--setenv=${name}=${value}`);
  return [
    "--quiet",
    "--wait",
    "--pipe",
    "--collect",
    "--service-type=exec",
    ...properties.flatMap((property) => ["-p", property]),
    ...passed,
  ];
}

/** Null for a death by signal. */
function waitFor(args: readonly string[], path: string): Promise<number | null> {
  return new Promise((done, fail) => {
    const child = spawn("systemd-run", args, { env: { PATH: path }, stdio: "inherit" });
    child.on("error", fail);
    child.on("close", (code) => done(code));
  });
}
