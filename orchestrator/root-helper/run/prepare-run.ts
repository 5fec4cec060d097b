// prepare-run ID: the root step before a run. Checks the id before any path is built, hands over the secrets the run needs, moves the arm
// token.
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, lstatSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { CutterError } from "../../core/errors.ts";
import { writing } from "../../core/host/disk-error.ts";
import { toNeededNames } from "../../core/host/env-sources.ts";
import { parseRunId, type RunId } from "../../core/run-id.ts";
import { writeCredentials } from "../state/credentials.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { cleanUpRun } from "./cleanup.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { removeResult, reserveResult, writeResult, type ResultFolder } from "../state/result.ts";
import { readConfig, readEnvValues, readRequest } from "../files/settings.ts";
import { moveTokenToLive, removeLiveToken } from "../state/token.ts";

/**
 * After it returns, /run/cutter/cred/<id>/ holds exactly the needed names and the run's folder exists. After a refusal neither a live token
 * nor credentials are left, and the result file tells the code: the run's unit does not start then, so nobody else would. Moving the token
 * is the last step: a refused start consumed none, so what is armed stays armed until its own end; a token that had expired is removed. An
 * earlier start's live token is never this one's.
 * @throws RUN_ID_INVALID, RUN_ID_TAKEN, REQUEST_*, CONFIG_INVALID, ENV_*, HOST_FILE_*, RUN_FOLDER_FOREIGN, LEFTOVERS_NOT_REMOVED,
 * TOKEN_EXPIRED, TOKEN_INVALID
 */
export function prepareRun(host: Host, idText: string, now: Date): void {
  const runId = parseRunId(idText, { allowDryRunSuffix: true });
  try {
    removeResult(host, runId);
    reserveResult(host, runId);
    removeLiveToken(host, runId);
    const config = readConfig(host);
    const request = readRequest(host, runId);
    ensureRunFolder(host, config.sidecar_root, runId);
    writeCredentials(host, runId, readEnvValues(host, toNeededNames(config), config));
    if (request.mode === "live") moveTokenToLive(host, runId, now);
  } catch (error) {
    const cleanUpError = cleanUpRun(host, runId);
    const refusal =
      cleanUpError === null
        ? error
        : new CutterError(
            cleanUpError.code,
            { ...cleanUpError.facts, refused: error instanceof CutterError ? error.code : "INTERNAL_BUG" },
            { cause: error },
          );
    writeRefusal(host, runId, refusal);
    throw refusal;
  }
}

/** 0700 cutter:cutter. The unit may write this folder and no other run's; a link or a file in its place is refused. */
function ensureRunFolder(host: Host, sidecarRoot: string, runId: RunId): void {
  const parent = toHostPath(host, sidecarRoot);
  const duplicate = readdirSync(parent).find((name) => name !== runId && name.toLowerCase() === runId.toLowerCase());
  if (duplicate !== undefined) throw new CutterError("RUN_ID_TAKEN", { reason: "case", run_id: runId, existing: duplicate });
  const folder = `${parent}/${runId}`;
  const there = lstatSync(folder, { throwIfNoEntry: false });
  if (there === undefined) {
    writing(`${sidecarRoot}/${runId}`, () => mkdirSync(folder, { mode: 0o700 }));
    chownToCutter(host, folder, `${sidecarRoot}/${runId}`);
    return;
  }
  if (!there.isDirectory() || there.uid !== host.cutter.uid)
    throw new CutterError("RUN_FOLDER_FOREIGN", { reason: "in_the_way", path: `${sidecarRoot}/${runId}` });
}

/**
 * The parent is cutter's, who could put something else in the folder's place meanwhile: opened once, without following a link, judged, and
 * given away by its descriptor.
 */
export function chownToCutter(host: Host, folder: string, shownPath: string): void {
  const descriptor = openFolder(folder, shownPath);
  try {
    const { uid } = fstatSync(descriptor);
    if (uid !== host.ownerUid && uid !== host.cutter.uid)
      throw new CutterError("RUN_FOLDER_FOREIGN", { reason: "in_the_way", path: shownPath, uid });
    fchmodSync(descriptor, 0o700);
    fchownSync(descriptor, host.cutter.uid, host.cutter.gid);
  } finally {
    closeSync(descriptor);
  }
}

function openFolder(folder: string, shownPath: string): number {
  try {
    return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw new CutterError(
      "RUN_FOLDER_FOREIGN",
      { reason: "in_the_way", path: shownPath, problem: cause instanceof Error && "code" in cause ? String(cause.code) : "unknown" },
      { cause },
    );
  }
}

/** The result of a start that root refused. */
export function writeRefusal(host: Host, runId: RunId, error: unknown, folder: ResultFolder = hostLayout.results): void {
  const refusal = error instanceof CutterError ? { exit: error.exitCode, code: error.code } : { exit: 70, code: "INTERNAL_BUG" };
  writeResult(
    host,
    runId,
    {
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
      waits_on: null,
    },
    folder,
  );
}
