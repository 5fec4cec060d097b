// Stack configs that are refused before the host is asked for anything.
import { withStackConfig, type RefusalTrial } from "../refusal.ts";

const stackFile = "Pulumi.<stack>.yaml";

export const configRefusals: readonly RefusalTrial[] = [
  {
    name: "an unknown key",
    code: "STACK_CONFIG_INVALID",
    says: ["orchestrator:phase_soft_cap_minute: there is no such key", stackFile],
    make: () => withStackConfig({ "orchestrator:phase_soft_cap_minute": 5 }),
  },
  {
    name: "a value of the wrong type",
    code: "STACK_CONFIG_INVALID",
    says: ["orchestrator:run_hard_cap_minutes: ", "number", stackFile],
    make: () => withStackConfig({ "orchestrator:run_hard_cap_minutes": "soon" }),
  },
  {
    name: "a path with ..",
    code: "STACK_CONFIG_INVALID",
    says: ["orchestrator:sidecar_root: must not contain ..", stackFile],
    make: () => withStackConfig({ "orchestrator:sidecar_root": "/var/lib/cutter/../../etc" }),
  },
  {
    name: "a run id that is none",
    code: "RUN_ID_INVALID",
    says: ["run_id=", "../evil"],
    make: () => () => undefined,
    command: ["node", "runbooks/prepare.ts", "--stack", "sandbox", "--run-id", "../evil", "--document", "knowledge/x.md"],
  },
  {
    name: "a pinned file with other bytes",
    code: "STACK_CONFIG_INVALID",
    says: ["cutter-kit:rollbackRunbook", "sql/lifecycle/rollback_runbook.sql", "pinned is 0000"],
    make: () => withStackConfig({ "cutter-kit:rollbackRunbook.sha256": "0".repeat(64) }),
  },
];
