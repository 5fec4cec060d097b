// Every file the kit gives to systemd, rendered from the configuration. Pure: what is installed, and what drifted, is the provider's
// business.
import type { OrchestratorConfig } from "../../orchestrator/core/config-schema.ts";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { dumpServiceText, dumpSocketText } from "./dump.ts";
import { kbServiceText, kbSocketText, toKbTarget } from "./knowledge-base-relay.ts";
import { prepareServiceText } from "./prepare.ts";
import { prepareRevertServiceText, revertServiceText } from "./revert.ts";
import { runServiceText } from "./run.ts";
import { tmpfilesText } from "./tmpfiles.ts";

/** What the units depend on; everything else about them is fixed. */
export type UnitInputs = Pick<
  OrchestratorConfig,
  "kb_base_url" | "run_hard_cap_minutes" | "sidecar_root" | "batch_dir" | "global_locks_dir"
>;

/** One file for systemd: 0644 root:root at `path`. `enabled`: must be started now and at every boot (`systemctl enable --now`). */
export interface HostUnit {
  readonly name: string;
  readonly path: string;
  readonly mode: "0644";
  readonly text: string;
  readonly enabled: boolean;
}

/**
 * All units and the tmpfiles.d file, in the order in which to install them. The same inputs give the same bytes.
 * After a change: `systemctl daemon-reload`; for `cutter.conf`: `systemd-tmpfiles --create` with its path; for `cutter-kb.service`:
 * `systemctl try-restart`.
 */
export function renderUnits(inputs: UnitInputs): readonly HostUnit[] {
  const unit = (name: string, text: string, enabled = false): HostUnit => ({
    name,
    path: `${hostLayout.units}/${name}`,
    mode: "0644",
    text,
    enabled,
  });
  return [
    { name: "cutter.conf", path: tmpfilesPath, mode: "0644", text: tmpfilesText(), enabled: false },
    unit("cutter-kb.service", kbServiceText(toKbTarget(inputs.kb_base_url))),
    unit("cutter-kb.socket", kbSocketText(), true),
    unit("cutter-dump@.service", dumpServiceText()),
    unit("cutter-dump.socket", dumpSocketText(), true),
    unit("cutter-prepare@.service", prepareServiceText({ sidecarRoot: inputs.sidecar_root })),
    unit(
      "cutter-run@.service",
      runServiceText({
        timeoutStartMinutes: inputs.run_hard_cap_minutes + minutesAfterHardCap,
        sidecarRoot: inputs.sidecar_root,
        batchDirectory: inputs.batch_dir,
        locksDirectory: inputs.global_locks_dir,
      }),
    ),
    unit("cutter-prepare-revert@.service", prepareRevertServiceText()),
    unit(
      "cutter-revert@.service",
      revertServiceText({ timeoutStartMinutes: revertMinutes, sidecarRoot: inputs.sidecar_root, locksDirectory: inputs.global_locks_dir }),
    ),
  ];
}

const tmpfilesPath = "/etc/tmpfiles.d/cutter.conf";

/** The orchestrator stops itself at the hard cap; systemd kills it this much later: a run that stops itself can say why. */
const minutesAfterHardCap = 5;

/** One dump, one transaction, one upload: the waits inside are shorter than this. */
const revertMinutes = 60;
