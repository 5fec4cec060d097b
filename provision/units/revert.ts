// cutter-revert@.service and its root step: the one place where a run is reverted, confined as a run is, with other secrets.
import { confinement, dangerousVariables, orchestratorConfinement } from "../../orchestrator/core/host/confinement.ts";
import { cutterUser, hostLayout } from "../../orchestrator/core/host/layout.ts";
import { toUnitText } from "./section.ts";

export interface RevertServiceInputs {
  readonly timeoutStartMinutes: number;
  readonly sidecarRoot: string;
  readonly locksDirectory: string;
}

/**
 * Nothing here asks for the kill switch: the latch forbids cutting, not the way back. Nothing conflicts with cutter-run@ either, since starting
 * a revert must not stop a run by surprise: while one is armed, live or at work the revert refuses.
 * It may take its own credentials only: no login that could cut is among them.
 */
export function revertServiceText(inputs: RevertServiceInputs): string {
  return toUnitText("The emergency revert of one run.", {
    Unit: {
      Description: "cutter revert %i",
      Documentation: "file:///opt/cutter/current/manifest.json",
      Requires: "cutter-prepare-revert@%i.service cutter-dump.socket cutter-kb.socket",
      After: "cutter-prepare-revert@%i.service cutter-dump.socket cutter-kb.socket docker.service network.target",
      StartLimitIntervalSec: "0",
    },
    Service: {
      Type: "oneshot",
      User: cutterUser,
      Group: cutterUser,
      ExecStart: `${hostLayout.current}/bin/cutter revert --run-id %i --approval ${hostLayout.revertStaging}/%i/revert.md`,
      ExecStopPost: `+${hostLayout.current}/bin/cutter-root finish-revert %i`,
      LoadCredential: `s:${hostLayout.credentials}/_revert.%i`,
      Environment: ["CUTTER_UNIT=cutter-revert@%i", "CUTTER_BOOT_ID=%b"],
      UnsetEnvironment: dangerousVariables,
      SuccessExitStatus: "11 20",
      TimeoutStartSec: `${inputs.timeoutStartMinutes}min`,
      TimeoutStopSec: "60s",
      RuntimeDirectory: "cutter-revert/%i",
      RuntimeDirectoryMode: "0700",
      WorkingDirectory: "/",
      SyslogIdentifier: "cutter-revert",
      ...orchestratorConfinement,
      ReadWritePaths: [`${inputs.sidecarRoot}/%i`, inputs.locksDirectory],
    },
  });
}

/** The root step before it: credentials for this revert and no token. A unit of its own for the reason cutter-prepare@ is one. */
export function prepareRevertServiceText(): string {
  return toUnitText("The root step before a revert.", {
    Unit: { Description: "cutter: credentials for revert %i", StartLimitIntervalSec: "0", StopWhenUnneeded: "yes" },
    Service: {
      Type: "oneshot",
      RemainAfterExit: "yes",
      ExecStart: `${hostLayout.current}/bin/cutter-root prepare-revert %i`,
      TimeoutStartSec: "60s",
      WorkingDirectory: "/",
      SyslogIdentifier: "cutter-prepare-revert",
      UnsetEnvironment: dangerousVariables,
      ...confinement,
      PrivateNetwork: "yes",
      CapabilityBoundingSet: "CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH",
      ReadWritePaths: hostLayout.runtime,
      RestrictAddressFamilies: "AF_UNIX",
      SystemCallFilter: ["@system-service", "~@resources"],
    },
  });
}
