// prepare-run ID: the root step before a run. Checks the id before any path is built, hands over the secrets the run needs, moves the arm token.
import { chownSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import { CutterError } from "../core/errors.ts";
import { toNeededNames } from "../core/env-sources.ts";
import { parseRunId, type RunId } from "../core/run-id.ts";
import { removeCredentials, writeCredentials } from "./credentials.ts";
import { toHostPath, type Host } from "./host.ts";
import { removeResult, writeResult } from "./result.ts";
import { readConfig, readEnvValues, readRequest } from "./settings.ts";
import { moveTokenToLive, removeLiveToken } from "./token.ts";

/**
 * After it returns, /run/cutter/cred/<id>/ holds exactly the needed names and the run's folder exists. After a refusal neither token nor credentials
 * are left, and the result file tells the code: the run's unit does not start then, so nobody else would.
 * @throws RUN_ID_INVALID, RUN_ID_CASE_CONFLICT, REQUEST_*, CONFIG_INVALID, ENV_*, HOST_FILE_*, RUN_FOLDER_REFUSED
 */
export function prepareRun(host: Host, idText: string): void {
  const runId = parseRunId(idText, { allowDryRunSuffix: true });
  removeResult(host, runId);
  try {
    const config = readConfig(host);
    const request = readRequest(host, runId);
    ensureRunFolder(host, config.sidecar_root, runId);
    writeCredentials(host, runId, readEnvValues(host, toNeededNames(config), config));
    if (request.mode === "live") moveTokenToLive(host, runId);
  } catch (error) {
    removeCredentials(host, runId);
    removeLiveToken(host, runId);
    writeRefusal(host, runId, error);
    throw error;
  }
}

/** 0700 cutter:cutter. The unit may write this folder and no other run's; a link or a file in its place is refused. */
function ensureRunFolder(host: Host, sidecarRoot: string, runId: RunId): void {
  const parent = toHostPath(host, sidecarRoot);
  const twin = readdirSync(parent).find((name) => name !== runId && name.toLowerCase() === runId.toLowerCase());
  if (twin !== undefined) throw new CutterError("RUN_ID_CASE_CONFLICT", { run_id: runId, existing: twin });
  const folder = `${parent}/${runId}`;
  const there = lstatSync(folder, { throwIfNoEntry: false });
  if (there === undefined) {
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, host.cutter.uid, host.cutter.gid);
    return;
  }
  if (!there.isDirectory() || there.uid !== host.cutter.uid) throw new CutterError("RUN_FOLDER_REFUSED", { path: `${sidecarRoot}/${runId}` });
}

function writeRefusal(host: Host, runId: RunId, error: unknown): void {
  const refusal = error instanceof CutterError ? { exit: error.exitCode, code: error.code } : { exit: 70, code: "INTERNAL_BUG" };
  writeResult(host, runId, {
    schema: "cutter.result/1",
    run_id: runId,
    exit_code: refusal.exit,
    code: refusal.code,
    exit_kind: "not-started",
    exit_raw: String(refusal.exit),
    service_result: "dependency",
    result: "stopped",
    phase: null,
    certificate: null,
    payload_sha: null,
  });
}
