// What every unit of the kit gives up, whoever it runs as: the settings systemd-analyze security scores, measured at 0.9 for the run's unit.
import type { Settings } from "./section.ts";

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
