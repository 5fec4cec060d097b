// Which env file a name comes from, and which names a run needs. Pure: the files are parsed already.
import type { OrchestratorConfig } from "../config-schema.ts";
import { CutterError } from "../errors.ts";
import { hostLayout } from "./layout.ts";
import { envNames, type EnvName } from "./secret-names.ts";
import type { Secret } from "./secret.ts";

/** The two env files of the host, in the order in which they are asked. */
export const envFilePaths = [hostLayout.dockerEnv, hostLayout.productionEnv] as const;

export type ParsedEnvFiles = ReadonlyMap<string, ReadonlyMap<EnvName, Secret>>; // by path

const ofRevertOnly: readonly EnvName[] = ["DOT_CUTTER_REVERT_DB_USER", "DOT_CUTTER_REVERT_DB_PASSWORD"];

/**
 * What a run needs, and only that: never the revert's login, and the directus SECDEF principal's DSN only when it is the pinned governance
 * principal.
 */
export function toNeededNames(config: Pick<OrchestratorConfig, "governance_principal">): readonly EnvName[] {
  return envNames
    .map(({ name }) => name)
    .filter(
      (name) => !ofRevertOnly.includes(name) && (name !== "DIRECTUS_SECDEF_DSN" || config.governance_principal === "directus_secdef"),
    );
}

/** What a revert needs, and only that: its own login, the reader's, the knowledge base's key. No login that could cut. */
export const revertNames: readonly EnvName[] = [
  ...ofRevertOnly,
  "DOT_CUTTER_READONLY_DB_USER",
  "DOT_CUTTER_READONLY_DB_PASSWORD",
  "DOT_CUTTER_DB_HOST",
  "DOT_CUTTER_DB_PORT",
  "DOT_CUTTER_DB_NAME",
  "DOT_CUTTER_DB_SSLMODE",
  "AGENT_DATA_API_KEY",
  "BACKUP_GPG_FPR",
];

/**
 * The value of each needed name. BACKUP_GPG_FPR is in the Docker env file unless `env_files` says otherwise; any other name in either.
 * @throws ENV_NAME_CONFLICT (both files, different values), ENV_NAME_MISSING; names and files only, never values.
 */
export function resolveEnvNames(
  files: ParsedEnvFiles,
  needed: readonly EnvName[],
  envFilesByName: OrchestratorConfig["env_files"],
): ReadonlyMap<EnvName, Secret> {
  return new Map(needed.map((name) => [name, resolveOne(files, name, envFilesByName[name] ?? null)]));
}

function resolveOne(files: ParsedEnvFiles, name: EnvName, pinnedFile: string | null): Secret {
  const holders = envFilePaths.flatMap((path) => {
    const value = files.get(path)?.get(name);
    return value === undefined ? [] : [{ path, value }];
  });
  const [first, second] = holders;
  if (first !== undefined && second !== undefined && first.value.reveal() !== second.value.reveal()) {
    throw new CutterError("ENV_NAME_CONFLICT", { name, files: holders.map(({ path }) => path) });
  }
  const expectedFile = pinnedFile ?? (name === "BACKUP_GPG_FPR" ? hostLayout.dockerEnv : null);
  const chosen = holders.find(({ path }) => expectedFile === null || path === expectedFile);
  if (chosen === undefined || chosen.value.reveal() === "") {
    throw new CutterError("ENV_NAME_MISSING", { name, files: expectedFile === null ? [...envFilePaths] : [expectedFile] });
  }
  return chosen.value;
}
