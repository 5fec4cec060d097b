// What one start came to, told in the folder that systemd made for that start alone: the root step after it reads it there.
import { CutterError } from "../core/errors.ts";
import type { StartResult } from "../core/run/result.ts";
import type { Services } from "./context.ts";

/** Outside a unit there is nobody to tell. A disk that does not take it changes no outcome: the result then gives the exit code alone. */
export async function writeStartResult({ paths, files }: Pick<Services, "paths" | "files">, end: StartResult): Promise<void> {
  if (paths.startResult === null) return;
  const { exit_code, code, result, phase, certificate, payload_sha, waits_on } = end;
  await files
    .writeAtomic(paths.startResult, `${JSON.stringify({ exit_code, code, result, phase, certificate, payload_sha, waits_on })}\n`, 0o600)
    .catch(() => undefined);
}

/** The end of a start that was refused, or that failed. Pure. */
export function toRefusedStartResult(error: unknown): StartResult {
  const known = error instanceof CutterError ? error : new CutterError("INTERNAL_BUG");
  return {
    exit_code: known.exitCode,
    code: known.code,
    result: "stopped",
    phase: null,
    certificate: null,
    payload_sha: null,
    waits_on: null,
  };
}
