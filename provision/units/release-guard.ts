// cutter-release-guard.service: goes back to the last good release when nobody confirmed the new one, also after a reboot. Its code is no
// release's.
import { confinement, dangerousVariables } from "../../orchestrator/core/host/confinement.ts";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { toUnitText } from "./section.ts";

export const releaseGuardName = "cutter-release-guard.service";

/**
 * Started by release-switch.sh before each switch; enabled, so that it also runs at a boot that finds a switch unconfirmed (a transient
 * timer would have died). Before the sockets: what they start must be the release that was gone back to. So it is early too: with the
 * default dependencies it would come after basic.target, which comes after all sockets, and systemd would break that circle at boot by not
 * starting one of them. `exec`: a start that failed is known before anything is switched.
 */
export function releaseGuardText(): string {
  return toUnitText("Goes back to the last good release unless the new one is confirmed in time.", {
    Unit: {
      Description: "cutter: go back to the last good release unless the new one is confirmed",
      ConditionPathExists: `${hostLayout.releaseState}/pending`,
      StartLimitIntervalSec: "0",
      DefaultDependencies: "no",
      Requires: "sysinit.target",
      Conflicts: "shutdown.target",
      After: "sysinit.target",
      Before: "cutter-dump.socket cutter-kb.socket shutdown.target",
    },
    Service: {
      Type: "exec",
      ExecStart: `/bin/sh ${hostLayout.releaseSwitch} watch`,
      Restart: "on-failure",
      RestartSec: "1s",
      WorkingDirectory: "/",
      SyslogIdentifier: "cutter-release-guard",
      Environment: "CUTTER_BOOT_ID=%b",
      UnsetEnvironment: dangerousVariables,
      ...confinement,
      PrivateNetwork: "yes",
      RestrictAddressFamilies: "AF_UNIX",
      ReadWritePaths: [hostLayout.code],
    },
    Install: { WantedBy: "multi-user.target" },
  });
}
