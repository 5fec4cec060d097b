// The arm token of a live run: start moves it from armed/ to live/, the end of the run removes it, whatever the end was (decision 13).
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArmToken, tokenBytesMax, tokenFiles, type ArmToken } from "../../core/arming/token.ts";
import { CutterError } from "../../core/errors.ts";
import { writing } from "../../core/host/disk-error.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { parseRunId, type RunId } from "../../core/run-id.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { forbiddenBits, readSafeFile } from "../files/safe-file.ts";

/** Root's folders on the way, and what cutter may read of a token: nothing else of the host is open to it by this. */
const modes = { folder: 0o750, file: 0o640 } as const;

/**
 * armed → live by rename, unless the latch is there; the time of the start is noted beside the token first. Whether the token is any good
 * is the orchestrator's to judge, but one that has expired never gets there: it is removed.
 * @returns false when nothing was armed or the latch is set: then the run starts without a token and refuses by itself.
 * @throws TOKEN_EXPIRED, TOKEN_INVALID; then the token is gone. DISK_FULL: it stays armed, whole, for a start that has room
 */
export function moveTokenToLive(host: Host, runId: RunId, now: Date): boolean {
  const armed = toHostPath(host, `${hostLayout.armed}/${runId}`);
  removeLiveToken(host, runId);
  if (!isThere(armed) || isLatched(host)) return false;
  try {
    const { expires_at } = readArmedToken(host, runId);
    if (Date.parse(expires_at) <= now.getTime()) throw new CutterError("TOKEN_EXPIRED", { run_id: runId, expired_at: expires_at });
  } catch (error) {
    rmSync(armed, { recursive: true, force: true });
    throw error;
  }
  const startedAt = join(armed, tokenFiles.startedAt);
  try {
    rmSync(startedAt, { force: true }); // of a start that a full disk refused
    writing(`${hostLayout.armed}/${runId}`, () => {
      writeTokenFile(host, armed, tokenFiles.startedAt, `${toIsoSeconds(now)}\n`);
      renameSync(armed, toHostPath(host, `${hostLayout.live}/${runId}`));
    });
    return true;
  } catch (error) {
    if (error instanceof CutterError) rmSync(startedAt, { force: true });
    else rmSync(armed, { recursive: true, force: true });
    throw error;
  }
}

/** May be repeated. */
export function removeLiveToken(host: Host, runId: RunId): void {
  rmSync(toHostPath(host, `${hostLayout.live}/${runId}`), { recursive: true, force: true });
}

/**
 * The token appears whole or not at all: made beside, in a folder that no command takes for a token, then renamed.
 * @throws ENABLE_LATCHED when the latch came in between, DISK_FULL; then no token is left
 */
export function installToken(host: Host, runId: RunId, files: ReadonlyMap<string, Uint8Array | string>): void {
  const beside = writing(hostLayout.runtime, () => mkdtempSync(toHostPath(host, `${hostLayout.runtime}/.arming-`)));
  const armed = toHostPath(host, `${hostLayout.armed}/${runId}`);
  try {
    const folder = join(beside, runId);
    writing(`${hostLayout.armed}/${runId}`, () => {
      mkdirSync(folder, { mode: modes.folder });
      for (const [name, content] of files) writeTokenFile(host, folder, name, content);
      chownToReader(host, folder, modes.folder);
      renameSync(folder, armed);
    });
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  if (isLatched(host)) {
    rmSync(armed, { recursive: true, force: true });
    throw new CutterError("ENABLE_LATCHED", { run_id: runId, latch: hostLayout.latch });
  }
}

/** Removes every armed token that can no longer be started, and gives the run ids; one that cannot be read is none either. */
export function removeExpiredTokens(host: Host, armed: readonly string[], now: Date): readonly string[] {
  const expired = armed.filter((name) => {
    try {
      return Date.parse(readArmedToken(host, parseRunId(name, { allowDryRunSuffix: false })).expires_at) <= now.getTime();
    } catch {
      return true;
    }
  });
  for (const name of expired) rmSync(toHostPath(host, `${hostLayout.armed}/${name}`), { recursive: true, force: true });
  return expired;
}

/** Anything but "no such file" counts as set. */
export function isLatched(host: Host): boolean {
  try {
    return isThere(toHostPath(host, hostLayout.latch));
  } catch {
    return true;
  }
}

/** UTC in whole seconds. */
export function toIsoSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function readArmedToken(host: Host, runId: RunId): ArmToken {
  const bytes = readSafeFile(host, `${hostLayout.armed}/${runId}/${tokenFiles.token}`, {
    forbidden: forbiddenBits.ownedByRoot,
    maxBytes: tokenBytesMax,
  });
  const token = parseArmToken(bytes);
  if (token.run_id !== runId) throw new CutterError("TOKEN_INVALID", { field: "run_id", expected: runId, found: token.run_id });
  return token;
}

function writeTokenFile(host: Host, folder: string, name: string, content: Uint8Array | string): void {
  const file = join(folder, name);
  writeFileSync(file, content, { mode: modes.file, flag: "wx" });
  chownToReader(host, file, modes.file);
}

/** root:cutter: cutter reads, root alone writes. */
function chownToReader(host: Host, path: string, mode: number): void {
  chownSync(path, host.ownerUid, host.cutter.gid);
  chmodSync(path, mode);
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
