// prepare-revert ID and finish-revert ID: the root steps before and after a revert. They hand over its own secrets, take them away, and
// write what it came to.
import { lstatSync, rmSync } from "node:fs";
import { CutterError, type Facts } from "../../core/errors.ts";
import { revertNames } from "../../core/host/env-sources.ts";
import { hostLayout, startResultName } from "../../core/host/layout.ts";
import { stagedFiles } from "../../core/revert/staging.ts";
import { parseRunId, type RunId } from "../../core/run-id.ts";
import { toRunResult, type ServiceExit } from "../../core/run/result.ts";
import { removeCredentials, writeCredentials } from "../state/credentials.ts";
import { readStartResult } from "../run/finish-run.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { recordAudit } from "../state/ledger.ts";
import { writeRefusal } from "../run/prepare-run.ts";
import { removeResult, reserveResult, writeResult } from "../state/result.ts";
import { readConfig, readEnvValues } from "../files/settings.ts";

const results = hostLayout.revertResults;

/**
 * After it returns, /run/cutter/cred/_revert.<id>/ holds exactly what a revert needs, and no login that could cut. After a refusal none are
 * left and the result tells the code: the unit does not start then, so nobody else would.
 * @throws RUN_ID_INVALID, REVERT_PRINCIPAL_NOT_PINNED, REVERT_NOT_STAGED, REVERT_RUN_UNKNOWN, REVERT_RUN_ACTIVE, CONFIG_INVALID, ENV_*,
 * HOST_FILE_*
 */
export function prepareRevert(host: Host, idText: string): void {
  const runId = parseRunId(idText, { allowDryRunSuffix: false });
  try {
    removeResult(host, runId, results);
    reserveResult(host, runId, results);
    const config = readConfig(host);
    if (config.revert_principal === null) throw new CutterError("REVERT_PRINCIPAL_NOT_PINNED", { run_id: runId });
    const staged = `${hostLayout.revertStaging}/${runId}/${stagedFiles.staged}`;
    if (!isThere(host, staged)) throw new CutterError("REVERT_NOT_STAGED", { run_id: runId, looked_for: staged });
    requireRun(host, config.sidecar_root, runId);
    requireRunInactive(host, runId);
    writeCredentials(host, toCredentials(runId), readEnvValues(host, revertNames, config));
  } catch (error) {
    removeCredentials(host, toCredentials(runId));
    writeRefusal(host, runId, error, results);
    throw error;
  }
}

/**
 * The result first, then the audit log: what happened is told even where the log cannot be written.
 * A revert that is done needs its approval no more; one that is not keeps it, and the ledger does not have to be asked twice.
 * @throws RUN_ID_INVALID
 */
export function finishRevert(host: Host, idText: string, end: ServiceExit, now: Date): void {
  const runId = parseRunId(idText, { allowDryRunSuffix: false });
  try {
    removeCredentials(host, toCredentials(runId));
  } finally {
    const result = toRunResult(runId, true, end, readStartResult(host, `${hostLayout.revertStarts}/${runId}/${startResultName}`));
    if (result.exit_code === 0) rmSync(toHostPath(host, `${hostLayout.revertStaging}/${runId}`), { recursive: true, force: true });
    writeResult(host, runId, result, results);
    auditOrWarn(host, "revert", { run_id: runId, exit_code: result.exit_code, code: result.code, result: result.result }, now);
  }
}

/** A run of this host: its folder is there, and cutter's. @throws REVERT_RUN_UNKNOWN */
export function requireRun(host: Host, sidecarRoot: string, runId: RunId): void {
  const folder = `${sidecarRoot}/${runId}`;
  const facts = lstatSync(toHostPath(host, folder), { throwIfNoEntry: false });
  if (facts === undefined || !facts.isDirectory() || facts.uid !== host.cutter.uid)
    throw new CutterError("REVERT_RUN_UNKNOWN", { run_id: runId, looked_for: folder });
}

/** @throws REVERT_RUN_ACTIVE while a token of the run lies anywhere */
export function requireRunInactive(host: Host, runId: RunId): void {
  for (const state of ["live", "armed"] as const) {
    if (isThere(host, `${hostLayout[state]}/${runId}`)) throw new CutterError("REVERT_RUN_ACTIVE", { run_id: runId, state });
  }
}

/**
 * An audit log that cannot be written must not bar the way back in an emergency; it is said loudly, and the use stands in the ledger of
 * what was spent.
 */
export function auditOrWarn(host: Host, action: string, facts: Facts, now: Date): void {
  try {
    recordAudit(host, action, facts, now);
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    console.error(`[WARN] not in the audit log: ${error.message}`);
  }
}

/** `_` begins no run id. */
function toCredentials(runId: RunId): string {
  return `_revert.${runId}`;
}

function isThere(host: Host, path: string): boolean {
  return lstatSync(toHostPath(host, path), { throwIfNoEntry: false }) !== undefined;
}
