// Pulumi.sandbox.yaml: the stack configuration that `up` writes for this sandbox, so that `pulumi up --stack sandbox` needs no editing.
// Pure.
import { stringify } from "yaml";
import { orchestratorConfigSchema } from "../../../orchestrator/core/config-schema.ts";
import { sandboxPrincipals } from "../host/grant-matrix.ts";

export interface PinnedFile {
  readonly path: string;
  readonly sha256: string;
}

export interface StackFacts {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly hostKey: string;
  readonly machineIdentity: string;
  readonly kbBaseUrl: string;
  readonly expectedGrantMatrixSha: string;
  readonly rollbackRunbook: PinnedFile;
  readonly kbCa: PinnedFile;
  readonly keys: Readonly<Record<"backup" | "sovereign" | "architect", PinnedFile & { readonly fingerprint: string }>>;
}

/**
 * Text of the file. Names, files and fingerprints only: no secret is stack config.
 * @throws ZodError when the orchestrator's own schema would refuse it.
 */
export function renderStackConfig(facts: StackFacts): string {
  const orchestrator = {
    expected_grant_matrix_sha: facts.expectedGrantMatrixSha,
    backup_gpg_fpr: facts.keys.backup.fingerprint,
    kb_base_url: facts.kbBaseUrl,
    kb_ca_file: "/etc/cutter/keys/kb-ca.pem",
    kb_runs_folder: "knowledge/current-state/cutter-runs",
    kb_runs_index_path: "knowledge/current-state/cutter-runs/index.md",
    ...sandboxPrincipals,
    postgres_access: { kind: "docker", container: "postgres", user: "directus" },
    scratch_database: "cutter_scratch",
  };
  orchestratorConfigSchema.parse(orchestrator);
  const kit = {
    host: facts.host,
    port: facts.port,
    user: facts.user,
    hostKey: facts.hostKey,
    machineIdentity: facts.machineIdentity,
    psql: ["docker", "exec", "-i", "postgres", "psql", "-U", "directus", "-d", "directus"],
    adopt: [],
    release: "",
    rollbackRunbook: facts.rollbackRunbook,
    keys: { ...facts.keys, kbCa: facts.kbCa },
  };
  const config = { ...withPrefix("cutter-kit", kit), ...withPrefix("orchestrator", orchestrator) };
  return (
    "# Written by npm run sandbox -- up. Ignored by git; edits are lost with the next " +
    `sandbox.\n${stringify({ config }, { lineWidth: 0 })}`
  );
}

function withPrefix(namespace: string, values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${namespace}:${name}`, value]));
}
