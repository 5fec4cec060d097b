// cutter-prepare@.service: the root step before a run. It hands over the secrets the run needs, and only those.
import { confinement, dangerousVariables, type Settings } from "../../orchestrator/core/host/confinement.ts";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { toUnitText } from "./section.ts";

export function prepareServiceText({ sidecarRoot }: { readonly sidecarRoot: string }): string {
  return rootStepText("The root step before a run.", {
    name: "cutter-prepare",
    handsOver: "credentials and token for run %i",
    commands: {
      ExecStart: `${hostLayout.current}/bin/cutter-root prepare-run %i`,
      ExecStop: `${hostLayout.current}/bin/cutter-root release-run %i`,
    },
    readWritePaths: [hostLayout.runtime, sidecarRoot],
  });
}

/** What differs between the two root steps. */
interface RootStep {
  readonly name: string;
  readonly handsOver: string;
  readonly commands: Settings;
  readonly readWritePaths: readonly string[];
}

/**
 * A unit of its own because systemd sets a unit's credentials up before any ExecStartPre of the same unit.
 * It counts as active while the run is, so that a second `systemctl start` of a run that goes on prepares nothing again (and takes no token
 * away), and stops with it, so that the next start prepares anew. Root, but without network, and without any right but reading files and
 * giving them to cutter.
 */
export function rootStepText(purpose: string, { name, handsOver, commands, readWritePaths }: RootStep): string {
  return toUnitText(purpose, {
    Unit: { Description: `cutter: ${handsOver}`, StartLimitIntervalSec: "0", StopWhenUnneeded: "yes" },
    Service: {
      Type: "oneshot",
      RemainAfterExit: "yes",
      ...commands,
      TimeoutStartSec: "60s",
      WorkingDirectory: "/",
      SyslogIdentifier: name,
      UnsetEnvironment: dangerousVariables,
      ...confinement,
      PrivateNetwork: "yes",
      CapabilityBoundingSet: "CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH",
      ReadWritePaths: readWritePaths,
      RestrictAddressFamilies: "AF_UNIX",
      SystemCallFilter: ["@system-service", "~@resources"],
    },
  });
}
