// cutter-run@.service: the one place where a run executes, started once per scoped run.
import { cutterUser, hostLayout } from "../../orchestrator/core/host-layout.ts";
import { unprivileged } from "./hardening.ts";
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
      UnsetEnvironment: "NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_PATH",
      SuccessExitStatus: "11 20",
      TimeoutStartSec: `${inputs.timeoutStartMinutes}min`,
      TimeoutStopSec: "60s",
      WorkingDirectory: "/",
      SyslogIdentifier: "cutter-run",
      ...unprivileged,
      ReadWritePaths: [`${inputs.sidecarRoot}/%i`, inputs.batchDirectory, inputs.locksDirectory],
      InaccessiblePaths: inaccessible,
      RestrictAddressFamilies: "AF_INET AF_INET6 AF_UNIX",
      IPAddressDeny: "any",
      IPAddressAllow: "localhost",
      TasksMax: "256",
    },
  });
}

/** What the run never needs: the business's files with the env files, Docker's sockets (they are root), the ledger, other users' sockets. */
const inaccessible = ["-/opt/incomex", "-/run/docker.sock", "-/run/docker", "-/run/containerd", "-/var/lib/docker", "-/run/dbus", "-/run/systemd/private", `-${hostLayout.ledger}`];
