// Reads orchestrator.yaml and a run's request: strictly, and with the digest of the very bytes that were read.
import { sha256Hex } from "../core/encoding/digest.ts";
import { orchestratorConfigSchema, type OrchestratorConfig } from "../core/config-schema.ts";
import { CutterError } from "../core/errors.ts";
import { requestSchema, type RunRequest } from "../core/run/request.ts";
import { parseRunId } from "../core/run-id.ts";
import { parseStrictYaml } from "../core/encoding/strict-yaml.ts";
import type { Files } from "../ports/files.ts";

export interface Loaded<Value> {
  readonly value: Value;
  readonly text: string;
  readonly sha256: string; // of the file's bytes
}

/** @throws CONFIG_MISSING, CONFIG_INVALID */
export async function loadConfig(files: Pick<Files, "read">, path: string): Promise<Loaded<OrchestratorConfig>> {
  const bytes = await files.read(path).catch((cause: unknown) => {
    throw new CutterError("CONFIG_MISSING", { reason: "unreadable", file: path }, { cause });
  });
  if (bytes === null) throw new CutterError("CONFIG_MISSING", { file: path });
  const text = toText(bytes, () => new CutterError("CONFIG_INVALID", { file: path, problem: "not UTF-8" }));
  return { value: parseStrictYaml(text, orchestratorConfigSchema, { code: "CONFIG_INVALID", file: path }), text, sha256: sha256Hex(bytes) };
}

/**
 * A request's file is named `<run_id>.yaml`, and says the same run id inside. Only a dry run may carry the suffix `.dryrun`.
 * @throws REQUEST_INVALID, RUN_ID_INVALID
 */
export async function loadRequest(files: Pick<Files, "read">, path: string): Promise<Loaded<RunRequest>> {
  const bytes = await files.read(path).catch((cause: unknown) => {
    throw new CutterError("REQUEST_INVALID", { reason: "missing", file: path, problem: "cannot be read" }, { cause });
  });
  if (bytes === null) throw new CutterError("REQUEST_INVALID", { reason: "missing", file: path });
  const text = toText(bytes, () => new CutterError("REQUEST_INVALID", { file: path, problem: "not UTF-8" }));
  const value = parseStrictYaml(text, requestSchema, { code: "REQUEST_INVALID", file: path });
  parseRunId(value.run_id, { allowDryRunSuffix: value.mode === "dryrun" });
  if (path.split("/").at(-1) !== `${value.run_id}.yaml`)
    throw new CutterError("REQUEST_INVALID", { file: path, run_id: value.run_id, problem: "the file is not named after its run id" });
  return { value, text, sha256: sha256Hex(bytes) };
}

/** The request of a run that is named by options alone, as a file would say it. Pure. */
export function toRequest(runId: string, documentId: string, mode: "dryrun" | "live"): Loaded<RunRequest> {
  parseRunId(runId, { allowDryRunSuffix: false });
  const value: RunRequest = { schema: "cutter.request/1", run_id: runId, document_id: documentId, mode, approvals: {} };
  const text = [
    `schema: ${value.schema}`,
    `run_id: ${JSON.stringify(runId)}`,
    `document_id: ${JSON.stringify(documentId)}`,
    `mode: ${mode}`,
    "approvals: {}",
    "",
  ].join("\n");
  return { value, text, sha256: sha256Hex(text) };
}

function toText(bytes: Uint8Array, refusal: () => CutterError): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refusal();
  }
}
