// What every process of the kit gives up: the settings systemd-analyze security scores, 0.9 for the run's unit. One place for the units and
// for transient ones.
import { hostLayout } from "./layout.ts";

/** Settings of a systemd section in order; a list value gives one line each. */
export type Settings = Readonly<Record<string, string | readonly string[]>>;

/**
 * For any process of ours. Not here on purpose: MemoryDenyWriteExecute, which kills V8 (it compiles at run time).
 * LimitCORE=0: a core dump would hold the secrets.
 */
export const confinement = {
  NoNewPrivileges: "yes",
  LockPersonality: "yes",
  RestrictRealtime: "yes",
  RestrictSUIDSGID: "yes",
  RestrictNamespaces: "yes",
  SystemCallArchitectures: "native",
  SystemCallErrorNumber: "EPERM",
  ProtectSystem: "strict",
  ProtectHome: "yes",
  ProtectClock: "yes",
  ProtectHostname: "yes",
  ProtectKernelLogs: "yes",
  ProtectKernelModules: "yes",
  ProtectKernelTunables: "yes",
  ProtectControlGroups: "yes",
  PrivateTmp: "yes",
  PrivateDevices: "yes",
  PrivateMounts: "yes",
  KeyringMode: "private",
  UMask: "0077",
  LimitCORE: "0",
} as const satisfies Settings;

/** For processes that are not root and need no other process: no capability, no foreign user, no view of /proc beyond themselves. */
export const unprivileged = {
  ...confinement,
  PrivateUsers: "yes",
  PrivateIPC: "yes",
  ProtectProc: "invisible",
  ProcSubset: "pid",
  RemoveIPC: "yes",
  CapabilityBoundingSet: "",
  AmbientCapabilities: "",
  SystemCallFilter: ["@system-service", "~@privileged @resources"],
} as const satisfies Settings;

/**
 * The orchestrator, in its unit or in a transient one. It talks to loopback only, and never sees the business's files, Docker's sockets
 * (they are root) or the ledger.
 */
export const orchestratorConfinement = {
  ...unprivileged,
  InaccessiblePaths: [
    "-/opt/incomex",
    "-/run/docker.sock",
    "-/run/docker",
    "-/run/containerd",
    "-/var/lib/docker",
    "-/run/dbus",
    "-/run/systemd/private",
    "-/dev/shm",
    "-/dev/mqueue",
    "-/run/lock",
    `-${hostLayout.ledger}`,
  ],
  RestrictAddressFamilies: "AF_INET AF_INET6 AF_UNIX",
  IPAddressDeny: "any",
  IPAddressAllow: "localhost",
  TasksMax: "256",
} as const satisfies Settings;

/** `NAME=value`, one per line of the section. Pure. */
export function toSettingLines(settings: Settings): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((line) => `${name}=${line}`),
  );
}

/** Variables that would change what node runs or whom it trusts; unset in every unit that runs it. */
export const dangerousVariables = "NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_PATH";
