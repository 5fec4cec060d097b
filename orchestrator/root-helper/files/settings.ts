// What the root helpers read before they act: the configuration, one run's request, the env files. Strictly, and only from files that are
// root's.
import { orchestratorConfigSchema, type OrchestratorConfig } from "../../core/config-schema.ts";
import { parseEnvFile } from "../../core/host/env-file.ts";
import { envFilePaths, resolveEnvNames } from "../../core/host/env-sources.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { CutterError } from "../../core/errors.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { requestSchema, type RunRequest } from "../../core/run/request.ts";
import type { RunId } from "../../core/run-id.ts";
import type { EnvName } from "../../core/host/secret-names.ts";
import type { Secret } from "../../core/host/secret.ts";
import { parseStrictYaml } from "../../core/encoding/strict-yaml.ts";
import type { Host } from "./host.ts";
import { forbiddenBits, readSafeFile } from "./safe-file.ts";

const yamlBytesMax = 256 * 1024;
const envFileBytesMax = 1024 * 1024;

/** @throws CONFIG_INVALID, HOST_FILE_* */
export function readConfig(host: Host): OrchestratorConfig {
  const content = readSafeFile(host, hostLayout.config, { forbidden: forbiddenBits.ownedByRoot, maxBytes: yamlBytesMax });
  return parseStrictYaml(content.toString("utf8"), orchestratorConfigSchema, { code: "CONFIG_INVALID", file: hostLayout.config });
}

/** A request with the digest of the very bytes that were read. */
export interface RequestFile {
  readonly value: RunRequest;
  readonly sha256: string;
}

/** The request of this run and no other. @throws REQUEST_INVALID, HOST_FILE_* */
export function readRequest(host: Host, runId: RunId): RunRequest {
  return readRequestFile(host, runId).value;
}

/** @throws as `readRequest` */
export function readRequestFile(host: Host, runId: RunId): RequestFile {
  const file = `${hostLayout.requests}/${runId}.yaml`;
  const content = readOrMissing(host, file);
  const request = parseStrictYaml(content.toString("utf8"), requestSchema, { code: "REQUEST_INVALID", file });
  if (request.run_id !== runId)
    throw new CutterError("REQUEST_INVALID", { file, problem: "it speaks of another run", run_id: request.run_id.slice(0, 80) });
  return { value: request, sha256: sha256Hex(content) };
}

function readOrMissing(host: Host, file: string): Buffer {
  try {
    return readSafeFile(host, file, { forbidden: forbiddenBits.ownedByRoot, maxBytes: yamlBytesMax });
  } catch (error) {
    if (error instanceof CutterError && error.code === "HOST_FILE_MISSING")
      throw new CutterError("REQUEST_INVALID", { reason: "missing", file }, { cause: error });
    throw error;
  }
}

/**
 * The value of each name, by the rules of core/host/env-sources.ts. An env file that is absent holds nothing; the missing name is what is
 * refused.
 */
export function readEnvValues(
  host: Host,
  names: readonly EnvName[],
  config: Pick<OrchestratorConfig, "env_files">,
): ReadonlyMap<EnvName, Secret> {
  const files = envFilePaths.map((path) => [path, readEnvFile(host, path)] as const);
  return resolveEnvNames(new Map(files), names, config.env_files);
}

function readEnvFile(host: Host, path: string): ReadonlyMap<EnvName, Secret> {
  try {
    return parseEnvFile(readSafeFile(host, path, { forbidden: forbiddenBits.secret, maxBytes: envFileBytesMax }), path);
  } catch (error) {
    if (error instanceof CutterError && error.code === "HOST_FILE_MISSING") return new Map();
    throw error;
  }
}
