// The two env files of the replica: our names with generated secrets, among the ordinary lines of a business that the kit must leave alone.
// Pure.
import type { EnvName } from "../../../orchestrator/core/host/secret-names.ts";

/** Passwords of one sandbox. Plain text: they leave this process only into root-only files of the replica and psql's stdin. */
export interface SandboxSecrets {
  readonly admin: string; // of workflow_admin
  readonly cutterExec: string;
  readonly cutterVerify: string;
  readonly contextPackReadonly: string;
  readonly cutterRevert: string;
  readonly directusSecdef: string;
  readonly agentData: string; // the KB's database login
  readonly kbApiKey: string;
  readonly business: string; // the business's own, none of ours
}

/** BACKUP_GPG_FPR is absent on purpose: that is GAP-3, which `pulumi up` closes. */
type SandboxEnvName = Exclude<EnvName, "BACKUP_GPG_FPR">;

/** Text of /opt/incomex/docker/.env: where the database is, and the logins of the cutter. */
export function renderDockerEnv(secrets: SandboxSecrets): string {
  return `# docker compose of the business. Edited by hand since 2024; ask before you change anything.
COMPOSE_PROJECT_NAME=incomex
POSTGRES_USER=workflow_admin
POSTGRES_PASSWORD=${secrets.admin}
JAVA_OPTS=-Xmx512m -Dmode=batch -Dname="nightly run"
DIRECTUS_SECRET="${secrets.business}#not=a comment $HOME"
  INDENTED = spaces around # and a comment
${line("DOT_CUTTER_DB_HOST", "127.0.0.1")}
${line("DOT_CUTTER_DB_PORT", "5432")}
${line("DOT_CUTTER_DB_NAME", "directus")}
${line("DOT_CUTTER_DB_SSLMODE", "disable")}

# --- cutter logins
${line("DOT_CUTTER_EXEC_DB_USER", "cutter_exec")}
${line("DOT_CUTTER_EXEC_DB_PASSWORD", secrets.cutterExec)}
${line("DOT_CUTTER_VERIFY_DB_USER", "cutter_verify")}
${line("DOT_CUTTER_VERIFY_DB_PASSWORD", secrets.cutterVerify)}
${line("DOT_CUTTER_READONLY_DB_USER", "context_pack_readonly")}
${line("DOT_CUTTER_READONLY_DB_PASSWORD", secrets.contextPackReadonly)}
${line("DOT_CUTTER_REVERT_DB_USER", "cutter_revert")}
${line("DOT_CUTTER_REVERT_DB_PASSWORD", secrets.cutterRevert)}
SMTP_URL='smtp://mailer:pa$$word#1@mail.sandbox.test:587/?starttls=1&from=no-reply'
EMPTY=
export LEGACY_FLAG=yes
`;
}

/** Text of /opt/incomex/secrets/.env.production: the KB's key, the governance principal's DSN, and a value over several lines. */
export function renderProductionEnv(secrets: SandboxSecrets): string {
  return `# production secrets
NODE_ENV=production
SIGNING_KEY="-----BEGIN OPAQUE-----
YWJj=ZGVm#Z2hp$amts
-----END OPAQUE-----"
${line("AGENT_DATA_API_KEY", secrets.kbApiKey)}
QUOTED='it''s odd'
${line("DIRECTUS_SECDEF_DSN", `postgresql://directus_secdef:${secrets.directusSecdef}@127.0.0.1:5432/directus?sslmode=disable`)}
WEBHOOK=https://hooks.sandbox.test/in?token=${secrets.business}&x=1#frag
`;
}

/** One line that every reader of env files takes the same way: bare where that is safe, single quotes otherwise. */
function line(name: SandboxEnvName, value: string): string {
  return /^[A-Za-z0-9_./:@%+,=-]*$/.test(value) ? `${name}=${value}` : `${name}='${value}'`;
}
