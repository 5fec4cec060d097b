// cutter-revert@.service and its root step: the one place where a run is reverted, confined as a run is, with other secrets.
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { rootStepText } from "./prepare.ts";
import { executionServiceText, type RunServiceInputs } from "./run.ts";

/**
 * Nothing here asks for the kill switch: the latch forbids cutting, not the way back. Nothing conflicts with cutter-run@ either, since
 * starting a revert must not stop a run by surprise: while one is armed, live or at work the revert refuses. It may take its own
 * credentials only: no login that could cut is among them.
 */
export function revertServiceText(inputs: Omit<RunServiceInputs, "batchDirectory">): string {
  return executionServiceText("The emergency revert of one run.", {
    verb: "revert",
    prepare: "cutter-prepare-revert@%i.service",
    command: `revert --run-id %i --approval ${hostLayout.revertStaging}/%i/revert.md`,
    credentials: "_revert.%i",
    timeoutStartMinutes: inputs.timeoutStartMinutes,
    readWritePaths: [`${inputs.sidecarRoot}/%i`, inputs.locksDirectory],
  });
}

/** The root step before it: credentials for this revert and no token. It writes its credentials only. */
export function prepareRevertServiceText(): string {
  return rootStepText("The root step before a revert.", {
    name: "cutter-prepare-revert",
    handsOver: "credentials for revert %i",
    commands: { ExecStart: `${hostLayout.current}/bin/cutter-root prepare-revert %i` },
    readWritePaths: [hostLayout.runtime],
  });
}
