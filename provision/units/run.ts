// cutter-run@.service: the one place where a run executes, started once per scoped run.
import { dangerousVariables, orchestratorConfinement } from "../../orchestrator/core/host/confinement.ts";
import { cutterUser, hostLayout } from "../../orchestrator/core/host/layout.ts";
import { toUnitText } from "./section.ts";

export interface RunServiceInputs {
  readonly timeoutStartMinutes: number;
  readonly sidecarRoot: string;
  readonly batchDirectory: string;
  readonly locksDirectory: string;
}

/**
 * %i, not %I: the instance name as it stands, which is the run id. cutter-prepare@ refuses what is no run id before anything here starts.
 * TimeoutStartSec, not RuntimeMaxSec: the latter has no effect on Type=oneshot.
 * ProcSubset=pid hides boot_id, so systemd passes it (%b). Secrets are credentials: files only this process sees, never its environment.
 */
export function runServiceText(inputs: RunServiceInputs): string {
  return toUnitText("One scoped run of the orchestrator.", {
    Unit: {
      Description: "cutter run %i",
      Documentation: "file:///opt/cutter/current/manifest.json",
      Requires: "cutter-prepare@%i.service cutter-dump.socket cutter-kb.socket",
      After: "cutter-prepare@%i.service cutter-dump.socket cutter-kb.socket docker.service network.target",
      StartLimitIntervalSec: "0",
    },
    Service: {
      Type: "oneshot",
      User: cutterUser,
      Group: cutterUser,
      ExecStart: `${hostLayout.current}/bin/cutter orchestrate run --request ${hostLayout.requests}/%i.yaml`,
      ExecStopPost: `+${hostLayout.current}/bin/cutter-root finish-run %i`,
      LoadCredential: `s:${hostLayout.credentials}/%i`,
      Environment: ["CUTTER_UNIT=cutter-run@%i", "CUTTER_BOOT_ID=%b"],
      UnsetEnvironment: dangerousVariables,
      SuccessExitStatus: "11 20",
      TimeoutStartSec: `${inputs.timeoutStartMinutes}min`,
      TimeoutStopSec: "60s",
      RuntimeDirectory: "cutter-run/%i",
      RuntimeDirectoryMode: "0700",
      WorkingDirectory: "/",
      SyslogIdentifier: "cutter-run",
      ...orchestratorConfinement,
      ReadWritePaths: [`${inputs.sidecarRoot}/%i`, inputs.batchDirectory, inputs.locksDirectory],
    },
  });
}
