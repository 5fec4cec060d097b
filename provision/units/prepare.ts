// cutter-prepare@.service: the root step before a run. It hands over the secrets the run needs, and only those.
import { hostLayout } from "../../orchestrator/core/host-layout.ts";
import { confinement } from "./hardening.ts";
import { toUnitText } from "./section.ts";

/**
 * A unit of its own because systemd sets a unit's credentials up before any ExecStartPre of the same unit.
 * No RemainAfterExit: each start of the run starts this again. Root, but without network, and without any right but reading files and giving them to cutter.
 */
export function prepareServiceText(inputs: { readonly sidecarRoot: string }): string {
  return toUnitText("The root step before a run.", {
    Unit: { Description: "cutter: credentials and token for run %i", StartLimitIntervalSec: "0" },
    Service: {
      Type: "oneshot",
      ExecStart: `${hostLayout.current}/bin/cutter-root prepare-run %i`,
      TimeoutStartSec: "60s",
      WorkingDirectory: "/",
      SyslogIdentifier: "cutter-prepare",
      UnsetEnvironment: "NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_PATH",
      ...confinement,
      PrivateNetwork: "yes",
      CapabilityBoundingSet: "CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH",
      ReadWritePaths: [hostLayout.runtime, inputs.sidecarRoot],
      RestrictAddressFamilies: "AF_UNIX",
      SystemCallFilter: ["@system-service", "~@resources"],
    },
  });
}
