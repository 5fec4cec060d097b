// cutter-run@.service: the one place where a run executes, started once per scoped run; and what it shares with cutter-revert@.
import { dangerousVariables, orchestratorConfinement } from "../../orchestrator/core/host/confinement.ts";
import { cutterUser, hostLayout } from "../../orchestrator/core/host/layout.ts";
import { toUnitText } from "./section.ts";

export interface RunServiceInputs {
  readonly timeoutStartMinutes: number;
  readonly sidecarRoot: string;
  readonly batchDirectory: string;
  readonly locksDirectory: string;
}

export function runServiceText({ timeoutStartMinutes, sidecarRoot, batchDirectory, locksDirectory }: RunServiceInputs): string {
  return executionServiceText("One scoped run of the orchestrator.", {
    verb: "run",
    prepare: "cutter-prepare@%i.service",
    command: `orchestrate run --request ${hostLayout.requests}/%i.yaml`,
    credentials: "%i",
    timeoutStartMinutes,
    readWritePaths: [`${sidecarRoot}/%i`, batchDirectory, locksDirectory],
  });
}

/** What differs between the two units in which the orchestrator works as cutter. `credentials`: the folder its root step fills. */
interface Execution {
  readonly verb: "run" | "revert";
  readonly prepare: string;
  readonly command: string;
  readonly credentials: string;
  readonly timeoutStartMinutes: number;
  readonly readWritePaths: readonly string[];
}

/**
 * %i, not %I: the instance name as it stands, which is the run id. cutter-prepare@ refuses what is no run id before anything here starts.
 * TimeoutStartSec, not RuntimeMaxSec: the latter has no effect on Type=oneshot.
 * ProcSubset=pid hides boot_id, so systemd passes it (%b). Secrets are credentials: files only this process sees, never its environment.
 */
export function executionServiceText(purpose: string, execution: Execution): string {
  const { verb, prepare } = execution;
  return toUnitText(purpose, {
    Unit: {
      Description: `cutter ${verb} %i`,
      Documentation: "file:///opt/cutter/current/manifest.json",
      Requires: `${prepare} cutter-dump.socket cutter-kb.socket`,
      After: `${prepare} cutter-dump.socket cutter-kb.socket docker.service network.target`,
      StartLimitIntervalSec: "0",
    },
    Service: {
      Type: "oneshot",
      User: cutterUser,
      Group: cutterUser,
      ExecStart: `${hostLayout.current}/bin/cutter ${execution.command}`,
      ExecStopPost: `+${hostLayout.current}/bin/cutter-root finish-${verb} %i`,
      LoadCredential: `s:${hostLayout.credentials}/${execution.credentials}`,
      Environment: [`CUTTER_UNIT=cutter-${verb}@%i`, "CUTTER_BOOT_ID=%b"],
      UnsetEnvironment: dangerousVariables,
      SuccessExitStatus: "11 20",
      TimeoutStartSec: `${execution.timeoutStartMinutes}min`,
      TimeoutStopSec: "60s",
      RuntimeDirectory: `cutter-${verb}/%i`,
      RuntimeDirectoryMode: "0700",
      WorkingDirectory: "/",
      SyslogIdentifier: `cutter-${verb}`,
      ...orchestratorConfinement,
      ReadWritePaths: execution.readWritePaths,
    },
  });
}
