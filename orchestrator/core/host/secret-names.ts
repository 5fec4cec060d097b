// The names of secrets and of the env values the kit reads. Names only; values never pass here (decision 33).

export const envNames = [
  { name: "DOT_CUTTER_EXEC_DB_USER", designName: "CUTTER_EXEC_DSN", secret: false },
  { name: "DOT_CUTTER_EXEC_DB_PASSWORD", designName: "CUTTER_EXEC_DSN", secret: true },
  { name: "DOT_CUTTER_VERIFY_DB_USER", designName: "CUTTER_VERIFY_DSN", secret: false },
  { name: "DOT_CUTTER_VERIFY_DB_PASSWORD", designName: "CUTTER_VERIFY_DSN", secret: true },
  { name: "DOT_CUTTER_READONLY_DB_USER", designName: "(ours)", secret: false },
  { name: "DOT_CUTTER_READONLY_DB_PASSWORD", designName: "(ours)", secret: true },
  { name: "DOT_CUTTER_REVERT_DB_USER", designName: "(ours)", secret: false },
  { name: "DOT_CUTTER_REVERT_DB_PASSWORD", designName: "(ours)", secret: true },
  { name: "DOT_CUTTER_DB_HOST", designName: "(part of DSN)", secret: false },
  { name: "DOT_CUTTER_DB_PORT", designName: "(part of DSN)", secret: false },
  { name: "DOT_CUTTER_DB_NAME", designName: "(part of DSN)", secret: false },
  { name: "DOT_CUTTER_DB_SSLMODE", designName: "(part of DSN)", secret: false },
  { name: "AGENT_DATA_API_KEY", designName: "AGENT_DATA_API_TOKEN", secret: true },
  { name: "BACKUP_GPG_FPR", designName: "BACKUP_GPG_FPR", secret: false },
  { name: "DIRECTUS_SECDEF_DSN", designName: "DIRECTUS_SECDEF_DSN", secret: true },
] as const;

export type EnvName = (typeof envNames)[number]["name"];
