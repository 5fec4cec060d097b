// Where everything lies on the host. Paths are contract; nobody builds them elsewhere.

export const hostLayout = {
  code: "/opt/cutter",
  releases: "/opt/cutter/releases",
  current: "/opt/cutter/current",
  releaseSwitch: "/opt/cutter/release-switch.sh", // switches, confirms, goes back; the guard's unit runs it
  releaseState: "/opt/cutter/release-state", // what is good, unconfirmed, gone back on; made by the line above
  command: "/usr/local/bin/cutter",
  etc: "/etc/cutter",
  config: "/etc/cutter/orchestrator.yaml",
  keys: "/etc/cutter/keys",
  requests: "/etc/cutter/requests",
  execution: "/etc/cutter/execution",
  latch: "/etc/cutter/execution/DISABLED",
  rollbackRunbook: "/etc/cutter/rollback_runbook.sql",
  ownership: "/etc/cutter/ownership.jsonl",
  runtime: "/run/cutter",
  armed: "/run/cutter/armed",
  live: "/run/cutter/live",
  incoming: "/run/cutter/incoming", // <run_id>/: what enable stages for root, and root alone sees
  credentials: "/run/cutter/cred",
  results: "/run/cutter/results",
  revertStaging: "/run/cutter/revert", // <run_id>/ of one revert that root allowed; a folder of its own, because "R.revert" is a legal run id
  revertResults: "/run/cutter/revert-results",
  revertStarts: "/run/cutter-revert", // as `starts`, of a revert's unit
  starts: "/run/cutter-run", // <run_id>/end.json of one start, in a folder made and removed by systemd: what it came to is told here
  dumpSocket: "/run/cutter/dump.sock",
  emittedDumps: "/run/cutter-dumps", // <sha256> of each archive that pg_dump gave out, root's alone: pg_restore gets no other
  state: "/var/lib/cutter",
  runs: "/var/lib/cutter/runs",
  batches: "/var/lib/cutter/batches",
  locks: "/var/lib/cutter/locks",
  ledger: "/var/lib/cutter-ledger",
  units: "/etc/systemd/system",
  dockerEnv: "/opt/incomex/docker/.env",
  productionEnv: "/opt/incomex/secrets/.env.production",
} as const;

/** In the folder of one start. */
export const startResultName = "end.json";

/** The unit's way to the KB: systemd-socket-proxyd listens here and forwards to the KB's real host; TLS stays end to end. */
export const kbRelay = { address: "127.0.0.1", port: 17443 } as const;

/** Unix user and group the orchestrator runs as. */
export const cutterUser = "cutter";
