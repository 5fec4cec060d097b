// Facts of a host that is as it should be, as the script prints them, and ways to spoil them.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { databaseContractSchema, withPrincipal } from "../../orchestrator/core/database/contract.ts";
import { envNames } from "../../orchestrator/core/host/secret-names.ts";
import { toReleaseName } from "../../orchestrator/core/host/release-manifest.ts";
import { renderUnits } from "../../provision/units/index.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const checkout = resolve(import.meta.dirname, "../..");
const fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
const grantMatrixSha = sha256("matrix");

const configLines = [
  `expected_grant_matrix_sha: ${grantMatrixSha}`,
  `backup_gpg_fpr: ${fingerprint}`,
  "kb_base_url: https://kb.example.org/api",
  "kb_runs_folder: knowledge/current-state/cutter-runs",
  "kb_runs_index_path: knowledge/current-state/cutter-runs/index.md",
  "governance_principal: directus_secdef",
  "revert_principal: cutter_revert",
  "postgres_access: {kind: docker, container: postgres, user: directus}",
];
const config = `${configLines.join("\n")}\n`;
const manifestLines = JSON.stringify(
  {
    schema: "cutter.manifest/1",
    version: "0.6.0",
    node: "24.21.0",
    files: [
      { path: "bin/cutter.mjs", sha256: sha256("code"), size: 4, mode: "0644" },
      { path: "bin/node", sha256: sha256("node"), size: 4, mode: "0755" },
    ],
  },
  null,
  1,
).split("\n");
const manifestSha256 = sha256(`${manifestLines.join("\n")}\n`);
const releaseName = toReleaseName("0.6.0", manifestSha256);

/** What pulumi up gives to systemd; the inputs do not change which files these are. */
export const unitFiles = renderUnits({
  kb_base_url: "https://kb.test.example",
  run_hard_cap_minutes: 240,
  sidecar_root: "/var/lib/cutter/runs",
  batch_dir: "/var/lib/cutter/batches",
  global_locks_dir: "/var/lib/cutter/locks",
}).map(({ path }) => path);
const written = [
  ...unitFiles.map((path) => [path, sha256(path)] as const),
  ["/etc/cutter/orchestrator.yaml", sha256(config)] as const,
  ["/etc/cutter/rollback_runbook.sql", sha256("runbook")] as const,
];
const contract = withPrincipal(
  databaseContractSchema.parse(JSON.parse(readFileSync(join(checkout, "sql/contract/contract.json"), "utf8"))),
  "directus_secdef",
);
const catalogue = {
  tables: contract.tables.map((table) => ({ ...table, keys: table.keys.map((key) => ({ ...key, weak: [] })) })),
  functions: contract.functions,
  rights: contract.rights.map((right) => ({ ...right, held: true })),
  standing: [...contract.tables.map(({ name }) => name), ...contract.decoys].map((name) => ({
    name,
    kind: "table",
    persistence: "permanent",
    relatives: [],
    rowSecurity: false,
    forced: false,
    policies: [],
  })),
  silent: [],
  firing: [],
  settings: [],
};
const governanceTables = ["review_decision", "cut_change_set", "manifest_envelope", "dot_pair_signature"].map(
  (name) => `cutter_governance.${name}`,
);
const database = {
  server_version: "18.6",
  server_version_num: 180006,
  database: "directus",
  in_recovery: false,
  roles: ["context_pack_readonly", "cutter_exec", "cutter_verify", "cutter_ro", "cutter_revert", "directus_secdef"].map((name) => ({
    name,
    present: true,
    login: name !== "cutter_ro",
    superuser: false,
  })),
  tables: [{ name: "public.information_unit", present: true }],
  functions: [{ name: "public.fn_iu_create", present: true }],
  governance_rights: ["cutter_exec", "directus_secdef"].flatMap((principal) =>
    governanceTables.flatMap((table) =>
      (["INSERT", "SELECT"] as const).map((privilege) => ({ principal, table, privilege, held: principal === "directus_secdef" })),
    ),
  ),
  transaction_id_assigned: false,
};

/** The facts of a ready host, line by line. */
export function readyLines(): readonly string[] {
  const line = (...fields: readonly (string | number)[]): string => fields.join("\t");
  const folder = (path: string, mode: string, owner: string): string => line("path", "folder", mode, owner, owner, 0, path, "");
  return [
    line("format", "cutter.host-facts/1"),
    line("uid", 0),
    line("hostname", "vps"),
    line("machine", "f".repeat(64)),
    line("path", "link", "777", "root", "root", 0, "/opt/cutter/current", `releases/${releaseName}`),
    line("path", "link", "777", "root", "root", 0, "/usr/local/bin/cutter", "/opt/cutter/current/bin/cutter"),
    line("release", releaseName),
    line("current", releaseName, manifestSha256),
    ...manifestLines.map((text) => line("manifest", text)),
    line("release_file", "644", 4, "root", sha256("code"), "bin/cutter.mjs"),
    line("release_file", "755", 4, "root", sha256("node"), "bin/node"),
    line("release_file", "644", 9, "root", manifestSha256, "manifest.json"),
    folder("/var/lib/cutter/runs", "700", "cutter"),
    folder("/var/lib/cutter/batches", "700", "cutter"),
    folder("/var/lib/cutter/locks", "700", "cutter"),
    folder("/var/lib/cutter-ledger", "700", "root"),
    line("path", "file", "600", "root", "root", 900, "/opt/incomex/docker/.env", ""),
    line("path", "file", "640", "root", "incomex", 400, "/opt/incomex/secrets/.env.production", ""),
    line("path", "absent", "", "", "", 0, "/etc/cutter/execution/DISABLED", ""),
    line("path", "file", "644", "root", "root", 9, "/etc/cutter/keys/architect.asc", sha256("key")),
    ...written.map(([path, digest]) =>
      line(
        "path",
        "file",
        path.endsWith("orchestrator.yaml") ? "640" : "644",
        "root",
        path.endsWith("orchestrator.yaml") ? "cutter" : "root",
        9,
        path,
        digest,
      ),
    ),
    ...configLines.map((text) => line("config", text)),
    ...[["/opt/cutter/releases", undefined] as const, ...written].map(([path, contentSha256]) =>
      line(
        "claim",
        JSON.stringify({
          path,
          urn: "urn:pulumi:x::y::z",
          sha256: "0",
          state: "claimed",
          ...(contentSha256 === undefined ? {} : { contentSha256 }),
        }),
      ),
    ),
    line("unit", "cutter-kb.socket", "enabled", "active"),
    line("unit", "cutter-dump.socket", "enabled", "active"),
    line("user", "cutter:/nonexistent:/usr/sbin/nologin", "cutter"),
    ...envNames.map(({ name }) => line("env", "/opt/incomex/docker/.env", name, 1, 1, 0)),
    line("backup_fingerprint", "/opt/incomex/docker/.env", fingerprint),
    line("key", "/etc/cutter/keys/backup.asc", fingerprint),
    line("root_key", fingerprint),
    line("container", "postgres", "running", "postgres:18"),
    line("disk_free_mib", 9000),
    line("end", "ok"),
    line("database", JSON.stringify(database)),
    line("contract", JSON.stringify(contract)),
    line("catalogue", JSON.stringify(catalogue)),
    line("grant_matrix_sha", grantMatrixSha),
  ];
}

/** The lines with one regular expression replaced in every line; the test fails when nothing matched. */
export function spoil(pattern: RegExp, replacement: string): string {
  const lines = readyLines();
  if (!lines.some((line) => pattern.test(line))) throw new Error(`no line has ${String(pattern)}`);
  return lines
    .map((line) => line.replace(pattern, replacement))
    .filter((line) => line !== "")
    .join("\n");
}
