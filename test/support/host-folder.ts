// A folder that stands for the host: the paths of core/host/layout.ts, an env file with made-up values, one request.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "../../orchestrator/root-helper/files/host.ts";

export interface HostFolder {
  readonly host: Host;
  readonly at: (path: string) => string;
  readonly write: (path: string, content: string, mode: number) => void;
  readonly remove: () => void;
}

export const requestText = (runId: string, mode = "dryrun"): string =>
  `schema: cutter.request/1\nrun_id: ${runId}\ndocument_id: knowledge/other/a.md\nmode: ${mode}\n`;

export const plantedSecrets = ["exec-s3cret", "verify-s3cret", "readonly-s3cret", "kb-s3cret", "dsn-s3cret"] as const;

export const envText = [
  "# a business's own lines",
  "MOTD=it's fine # really",
  "PRICE=3$4",
  "",
  "DOT_CUTTER_EXEC_DB_USER=cutter_exec",
  "DOT_CUTTER_EXEC_DB_PASSWORD='exec-s3cret'",
  "DOT_CUTTER_VERIFY_DB_USER=cutter_verify",
  "DOT_CUTTER_VERIFY_DB_PASSWORD='verify-s3cret'",
  "DOT_CUTTER_READONLY_DB_USER=context_pack_readonly",
  "DOT_CUTTER_READONLY_DB_PASSWORD='readonly-s3cret'",
  "DOT_CUTTER_DB_HOST=127.0.0.1",
  "DOT_CUTTER_DB_PORT=5432",
  "DOT_CUTTER_DB_NAME=directus",
  "DOT_CUTTER_DB_SSLMODE=disable",
  "BACKUP_GPG_FPR=0123456789ABCDEF0123456789ABCDEF01234567",
  "",
].join("\n");
const productionEnvText =
  "AGENT_DATA_API_KEY='kb-s3cret'\nDIRECTUS_SECDEF_DSN=postgresql://u:dsn-s3cret@127.0.0.1:5432/d?sslmode=disable\n";

export const configText = (extra = "", access = "{kind: docker, container: postgres, user: directus}"): string =>
  [
    `expected_grant_matrix_sha: ${"a".repeat(64)}`,
    "backup_gpg_fpr: 0123456789ABCDEF0123456789ABCDEF01234567",
    "kb_base_url: https://kb.example.org/api",
    "kb_runs_folder: knowledge/current-state/cutter-runs",
    "kb_runs_index_path: knowledge/current-state/cutter-runs/index.md",
    `postgres_access: ${access}`,
    extra,
    "",
  ].join("\n");

export function makeHostFolder(): HostFolder {
  const root = mkdtempSync(join(tmpdir(), "host-"));
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const at = (path: string) => join(root, path);
  const write = (path: string, content: string, mode: number) => {
    writeFileSync(at(path), content, { mode });
    chmodSync(at(path), mode);
  };
  for (const folder of [
    "etc/cutter/requests",
    "etc/cutter/execution",
    "run/cutter/armed",
    "run/cutter/live",
    "run/cutter/cred",
    "run/cutter/results",
    "var/lib/cutter/runs",
    "var/lib/cutter/batches",
    "var/lib/cutter/locks",
    "opt/incomex/docker",
    "opt/incomex/secrets",
  ])
    mkdirSync(at(folder), { recursive: true, mode: 0o755 });
  write("etc/cutter/orchestrator.yaml", configText(), 0o640);
  write("opt/incomex/docker/.env", envText, 0o600);
  write("opt/incomex/secrets/.env.production", productionEnvText, 0o640);
  return { host: { root, ownerUid: uid, cutter: { uid, gid } }, at, write, remove: () => rmSync(root, { recursive: true }) };
}
