// The orchestrator.* keys: shape, meaning and example of each. The documented example is the schema.
import { z } from "zod";

const absolutePath = z
  .string()
  .regex(/^\/[A-Za-z0-9._/-]+$/)
  .refine((path) => !path.split("/").includes(".."), "must not contain ..");
const fingerprint = z.string().regex(/^[0-9A-F]{40}$/, "40 upper-case hex digits");
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
const kbFolder = z.string().regex(/^knowledge(\/[a-z0-9][a-z0-9-]*)+$/);
const envFile = z.enum(["/opt/incomex/docker/.env", "/opt/incomex/secrets/.env.production"]);

/** How pg_dump and pg_restore of the server's own version are reached by the root helper. */
const postgresAccess = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("docker"),
    container: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/),
    user: z.string().regex(/^[a-z_][a-z0-9_]*$/),
  }),
  z.strictObject({ kind: z.literal("client"), bin_dir: absolutePath, user: z.string().regex(/^[a-z_][a-z0-9_]*$/) }),
]);

/** The roles that may be pinned for each of the two. */
export const governancePrincipals = ["cutter_exec", "directus_secdef"] as const;
export const revertPrincipals = ["cutter_revert", "workflow_admin", "directus_secdef"] as const;

export const orchestratorConfigSchema = z.strictObject({
  sidecar_root: absolutePath
    .default("/var/lib/cutter/runs")
    .describe("Where each run keeps its journal, plan and evidence. Example: /var/lib/cutter/runs"),
  batch_dir: absolutePath.default("/var/lib/cutter/batches").describe("Where a batched SG_2 is kept. Example: /var/lib/cutter/batches"),
  global_locks_dir: absolutePath.default("/var/lib/cutter/locks").describe("Lock files, one per document. Example: /var/lib/cutter/locks"),
  expected_grant_matrix_sha: sha256.describe("sha256 of the canonical grant matrix text that cutter grants prints. Example: 45d25e38…"),
  backup_gpg_fpr: fingerprint.describe("Primary fingerprint of the backup recipient; must equal BACKUP_GPG_FPR on the host."),
  kb_base_url: z
    .string()
    .regex(/^https:\/\/[a-z0-9.-]+(:\d+)?(\/[a-z0-9/-]*)?$/)
    .describe("Knowledge base. Example: https://kb.example.org/api"),
  kb_ca_file: absolutePath
    .nullable()
    .default(null)
    .describe("CA of the KB's TLS certificate, if it is not a public one. Example: /etc/cutter/keys/kb-ca.pem"),
  kb_runs_folder: kbFolder.describe("Folder of the phase documents. Example: knowledge/current-state/cutter-runs"),
  kb_runs_index_path: z
    .string()
    .regex(/^knowledge\/[a-z0-9/-]+\.md$/)
    .describe("KB document that lists all runs. Example: knowledge/current-state/cutter-runs/index.md"),
  phase_soft_cap_minutes: z.int().min(1).max(240).default(10).describe("A phase that takes longer is warned about."),
  run_hard_cap_minutes: z.int().min(1).max(720).default(60).describe("The run stops at the next checkpoint after this time."),
  governance_principal: z
    .enum(governancePrincipals)
    .nullable()
    .default(null)
    .describe("Who writes review_decision and leg B. No default: GAP-4 stays open until it is pinned. DQ_4 proposes directus_secdef."),
  revert_principal: z
    .enum(revertPrincipals)
    .nullable()
    .default(null)
    .describe(
      "Who runs the emergency revert: the role that DOT_CUTTER_REVERT_DB_USER must name. No live run is enabled before it is pinned. " +
        "Example: cutter_revert",
    ),
  env_files: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), envFile)
    .default({})
    .describe("Which env file holds which name, where it is not the usual one."),
  postgres_access: postgresAccess.describe("How pg_dump is reached. Example: {kind: docker, container: postgres, user: directus}"),
  scratch_database: z
    .string()
    .regex(/^[a-z_][a-z0-9_]*$/)
    .refine((name) => name.includes("scratch"), "its name must say scratch: each proof replaces its tables")
    .nullable()
    .default(null)
    .describe("Database for the restore proof, if there is one; sql/scratch/prepare.sql prepares it. Example: cutter_scratch"),
  notify_command: z.array(z.string()).min(1).nullable().default(null).describe("argv that is told of a stop, if any."),
});

/** The parsed orchestrator.yaml (snake_case keys; unknown keys are refused). */
export type OrchestratorConfig = z.infer<typeof orchestratorConfigSchema>;
