// The survey: facts of a host → one value that every rendering shows (schema cutter.survey/1, its fields: runbooks/json.md).
// Pure: enables nothing, mutates nothing.
import { toGaps, type Gap } from "../gaps/gaps.ts";
import type { ArchivedRestoreProofs } from "../gaps/restore-proof.ts";
import type { ArchivedRulings } from "../gaps/archived-rulings.ts";
import type { HostFacts } from "../host/facts.ts";
import { hostLayout } from "../host/layout.ts";
import { envNames } from "../host/secret-names.ts";
import { toSurveyedConfig, type SurveyedKey } from "./config.ts";
import { allowsLive, toSurveyFindings, type SurveyFinding } from "./findings.ts";
import { approvalLayers, phaseMutations, rolePurposes } from "./programme.ts";

export interface Survey {
  readonly schema: "cutter.survey/1";
  readonly host: { readonly name: string; readonly machine_identity: string };
  readonly taken_at: string; // ISO 8601 UTC
  readonly gaps: readonly Pick<Gap, "id" | "state" | "summary" | "evidence">[];
  readonly findings: readonly SurveyFinding[];
  readonly execution: {
    readonly enabled: boolean;
    readonly state: "off" | "armed" | "live" | "disabled";
    readonly run_id: string | null;
    readonly kill_switch: string;
  };
  readonly phases: typeof phaseMutations;
  readonly approvals: typeof approvalLayers;
  readonly roles: readonly {
    readonly name: string;
    readonly login: boolean;
    readonly superuser: boolean;
    readonly purpose: string;
    readonly present: boolean | null;
  }[];
  readonly secrets: readonly {
    readonly name: string;
    readonly design_name: string;
    readonly present: boolean;
    readonly files: readonly string[];
  }[];
  readonly config: readonly SurveyedKey[];
  readonly rollback: {
    readonly disable: string;
    readonly backup: string;
    readonly runbook: string;
    readonly idempotency_layers: 3;
    readonly void: string;
  };
  readonly result: SurveyResult;
}

interface SurveyResult {
  readonly summary: string; // e.g. "SURVEYED: 6 of 8 gaps closed"
  readonly ready_for_dry_run: boolean;
  readonly ready_for_live: boolean;
  readonly db_substrate: string;
  readonly code_substrate: string;
  readonly config_secrets: string;
  readonly enable_policy: string;
  readonly rollback: string;
}

/**
 * `hostName` is what the operator calls it; the host's own name where nobody does. `takenAt` is the only part of a survey that time alone
 * changes.
 */
export function toSurvey(
  facts: HostFacts,
  about: {
    readonly hostName: string | null;
    readonly takenAt: Date;
    readonly rulings: ArchivedRulings;
    readonly restoreProofs: ArchivedRestoreProofs;
  },
): Survey {
  const gaps = toGaps(facts, about.rulings);
  const findings = toSurveyFindings(facts, about.rulings, about.restoreProofs);
  return {
    schema: "cutter.survey/1",
    host: { name: about.hostName ?? facts.hostname, machine_identity: facts.machineIdentity },
    taken_at: about.takenAt.toISOString(),
    gaps: gaps.map(({ id, state, summary, evidence }) => ({ id, state, summary, evidence })),
    findings,
    execution: toExecution(facts),
    phases: phaseMutations,
    approvals: approvalLayers,
    roles: rolePurposes.map(({ name, login, purpose }) => {
      const found = facts.database?.roles.find((role) => role.name === name);
      return {
        name,
        login: found?.login ?? login,
        superuser: found?.superuser ?? false,
        purpose,
        present: found === undefined ? null : found.present,
      };
    }),
    secrets: envNames.map(({ name, designName }) => {
      const files = facts.env.filter((entry) => entry.name === name && entry.plain > 0).map(({ file }) => file);
      return { name, design_name: designName, present: files.length > 0, files };
    }),
    config: toSurveyedConfig(facts),
    rollback: {
      disable:
        `orchestrator.__execution_enabled__ = false; on the host: touch ${hostLayout.latch}, by which alone nothing is armed or goes on; ` +
        "instant, no database touch",
      backup: "pre_write_backup: GPG-encrypted narrow pg_dump per document, sha-pinned; restore is never automatic",
      runbook: isClosed(gaps, "GAP-6")
        ? `${hostLayout.rollbackRunbook} is deployed ` +
          `(${about.rulings.valid.length > 0 ? "ratified by a standing ruling" : "UNRATIFIED until a ruling names its sha256"})`
        : "rollback_runbook.sql is not deployed",
      idempotency_layers: 3,
      void: "cutter orchestrate void --run-id clears idempotency safely; refuses while effects of the run stand un-reverted",
    },
    result: toResult(gaps, findings, facts),
  };
}

function toExecution(facts: HostFacts): Survey["execution"] {
  const kill_switch = "orchestrator.__execution_enabled__ is false in code and in every build";
  const latch = facts.paths.get(hostLayout.latch);
  const runId = facts.live[0] ?? facts.armed[0] ?? null;
  if (latch !== undefined && latch.kind !== "absent") return { enabled: false, state: "disabled", run_id: null, kill_switch };
  if (runId === null) return { enabled: false, state: "off", run_id: null, kill_switch };
  return { enabled: facts.live.length > 0, state: facts.live.length > 0 ? "live" : "armed", run_id: runId, kill_switch };
}

function toResult(gaps: readonly Gap[], findings: readonly SurveyFinding[], facts: HostFacts): SurveyResult {
  const closed = gaps.filter(({ state }) => state === "closed").length;
  const ready = (ids: readonly Gap["id"][]): boolean => ids.every((id) => isClosed(gaps, id));
  const word = (ok: boolean): string => (ok ? "ready" : "NOT ready");
  const ofDatabase = facts.database;
  const database =
    ofDatabase !== null &&
    [...ofDatabase.tables, ...ofDatabase.functions].every(({ present }) => present) &&
    ofDatabase.roles.slice(0, 4).every(({ present }) => present);
  return {
    summary: `SURVEYED: ${closed} of ${gaps.length} gaps closed`,
    ready_for_dry_run: ready(["GAP-1", "GAP-2", "GAP-3", "GAP-5"]),
    ready_for_live: ready(gaps.map(({ id }) => id)) && allowsLive(findings),
    db_substrate:
      ofDatabase === null ? `not asked (${facts.databaseProblem ?? "unknown"})` : `${word(database)} (roles, tables and functions)`,
    code_substrate: `${word(ready(["GAP-1", "GAP-2"]))} (GAP-1, GAP-2)`,
    config_secrets: `${word(ready(["GAP-3", "GAP-4", "GAP-5"]))} (GAP-3, GAP-4, GAP-5)`,
    enable_policy: "defined (kill switch, SG_1/SG_2/SG_3, ruling); nothing is enabled by a survey",
    rollback: ready(["GAP-6"]) ? "defined, runbook deployed" : "defined, runbook not yet deployed",
  };
}

function isClosed(gaps: readonly Gap[], id: Gap["id"]): boolean {
  return gaps.some((gap) => gap.id === id && gap.state === "closed");
}
