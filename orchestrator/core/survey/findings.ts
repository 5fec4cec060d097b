// What the survey noticed besides the gaps: each with a code and how much it matters. Facts in, findings out; pure.
import { toSurveyedRuns } from "../gaps/runs.ts";
import { readSurveyedConfig } from "../gaps/state.ts";
import type { HostFacts } from "../host/facts.ts";
import { hostLayout } from "../host/layout.ts";
import { restoreProofDaysMax, type ArchivedRestoreProofs } from "../gaps/restore-proof.ts";
import type { ArchivedRulings } from "../gaps/archived-rulings.ts";
import { envNames } from "../host/secret-names.ts";

export interface SurveyFinding {
  readonly code: string;
  readonly severity: "red" | "warning" | "note";
  readonly summary: string;
}

const diskFreeMibMin = 2048;

export function toSurveyFindings(
  facts: HostFacts,
  rulings: ArchivedRulings,
  restoreProofs: ArchivedRestoreProofs,
): readonly SurveyFinding[] {
  return [
    ...liveRuns(facts),
    ...wayBack(facts),
    ...restoring(restoreProofs),
    ...envFiles(facts),
    ...envLines(facts),
    ...execution(facts),
    ...surroundings(facts, rulings),
    ...connections(facts),
  ];
}

/**
 * What a live run on this host would be refused for, or could not be trusted to survive, whatever the gaps say. An armed or live token and
 * a missing restore proof are red and no refusal.
 */
const stopsLive: ReadonlySet<string> = new Set([
  "REVERT_PRINCIPAL_NOT_PINNED",
  "REVERT_PRINCIPAL_MISSING",
  "LOGIN_FAILED",
  "KNOWLEDGE_BASE_FAILED",
  "ENV_FILE_UNSAFE",
  "ENV_NAME_MISSING",
  "ENV_NAME_DOUBLED",
  "ENV_LINE_AMBIGUOUS",
  "EXECUTION_DISABLED",
  "POSTGRES_NOT_RUNNING",
  "DATABASE_UNREACHABLE",
  "DATABASE_STANDBY",
  "CONTRACT_MISMATCH",
  "GRANT_MATRIX_MISMATCH",
  "DISK_SPACE_LOW",
]);

export function allowsLive(findings: readonly SurveyFinding[]): boolean {
  return findings.every(({ code }) => !stopsLive.has(code));
}

/** A live run that stands still is forgotten by nobody: what it waits for is asked of the run itself. */
function liveRuns(facts: HostFacts): readonly SurveyFinding[] {
  return toSurveyedRuns(facts).flatMap(({ runId, documentId, state, revertBegun, code, at }): readonly SurveyFinding[] => {
    const named = `live run ${runId} of ${documentId ?? "an unknown document"}`;
    const ended = `${code === null ? "" : `, last start ended with ${code}`}${at === null ? "" : `, last record ${at}`}`;
    const explained = `cutter orchestrate explain --run-id ${runId} says what it waits for`;
    if (revertBegun)
      return [{ code: "REVERT_UNFINISHED", severity: "red", summary: `the revert of ${named} began and is not finished; ${explained}` }];
    if (facts.live.includes(runId)) return []; // told as EXECUTION_LIVE
    if (state === "written")
      return [{ code: "LIVE_RUN_UNFINISHED", severity: "red", summary: `${named} has written and is not finished${ended}; ${explained}` }];
    return state === "begun"
      ? [{ code: "LIVE_RUN_WAITING", severity: "warning", summary: `${named} has begun and written nothing${ended}; ${explained}` }]
      : [];
  });
}

/** Design 4.4: a run whose way back is not pinned cannot be armed. */
function wayBack(facts: HostFacts): readonly SurveyFinding[] {
  const config = readSurveyedConfig(facts);
  if (config === null) return [];
  const principal = config.revert_principal;
  if (principal === null)
    return [
      {
        code: "REVERT_PRINCIPAL_NOT_PINNED",
        severity: "red",
        summary:
          "orchestrator.revert_principal is not pinned: nobody could revert a run, and none can be enabled; pin it and run pulumi up",
      },
    ];
  const role = facts.database?.roles.find(({ name }) => name === principal);
  return role === undefined || role.present
    ? []
    : [
        {
          code: "REVERT_PRINCIPAL_MISSING",
          severity: "red",
          summary: `orchestrator.revert_principal is ${principal}, and the database has no such role: sql/grants/${principal}.sql`,
        },
      ];
}

/** Design 4.8: no proof of ours can show that the owner's offline key still opens a backup. */
function restoring({ latest, refused }: ArchivedRestoreProofs): readonly SurveyFinding[] {
  const not = refused.map(({ sha256, code }) => ({
    code: "RESTORE_PROOF_REFUSED",
    severity: "warning" as const,
    summary: `the restore proof ${sha256.slice(0, 12)} does not count: ${code}`,
  }));
  if (latest === null)
    return [
      {
        code: "RESTORE_PROOF_MISSING",
        severity: "red",
        summary: "nobody has signed that the owner can still decrypt a backup; runbooks/restore-proof makes the proof",
      },
      ...not,
    ];
  const { proof, ageDays } = latest;
  const said = `backup of run ${proof.run_id} decrypted by the owner on ${proof.performed_at.slice(0, 10)}, signed`;
  return ageDays > restoreProofDaysMax
    ? [
        {
          code: "RESTORE_PROOF_OLD",
          severity: "red",
          summary: `${said}: ${String(ageDays)} days ago, more than ${String(restoreProofDaysMax)}`,
        },
        ...not,
      ]
    : [{ code: "RESTORE_PROVEN", severity: "note", summary: said }, ...not];
}

/** A real connection each: that a name stands in an env file says nothing of what the other side makes of it. */
function connections({ connections: tried, config }: HostFacts): readonly SurveyFinding[] {
  if (tried === null)
    return config === null
      ? []
      : [
          {
            code: "CONNECTIONS_UNTRIED",
            severity: "note",
            summary: "no login and no knowledge base was tried; cutter connections tries them",
          },
        ];
  return tried.flatMap(({ name, kind, problem }): readonly SurveyFinding[] =>
    problem === null
      ? []
      : [{ code: kind === "login" ? "LOGIN_FAILED" : "KNOWLEDGE_BASE_FAILED", severity: "red", summary: `${name}: ${problem}` }],
  );
}

function envFiles(facts: HostFacts): readonly SurveyFinding[] {
  const wanted = [
    { path: hostLayout.dockerEnv, modes: ["600"] },
    { path: hostLayout.productionEnv, modes: ["600", "640"] },
  ];
  return wanted.flatMap(({ path, modes }): readonly SurveyFinding[] => {
    const found = facts.paths.get(path);
    if (found === undefined || found.kind === "absent")
      return [{ code: "ENV_FILE_MISSING", severity: "warning", summary: `${path} is absent` }];
    if (found.kind !== "file" || found.owner !== "root" || !modes.includes(found.mode)) {
      return [
        {
          code: "ENV_FILE_UNSAFE",
          severity: "red",
          summary:
            `${path} is ${found.kind} ${found.mode} ${found.owner}:${found.group}; it must be a plain file of root's, ` +
            `${modes.join(" or ")}`,
        },
      ];
    }
    return [];
  });
}

function envLines(facts: HostFacts): readonly SurveyFinding[] {
  const missing = envNames.filter(({ name }) => !facts.env.some((entry) => entry.name === name)).map(({ name }) => name);
  return [
    ...(missing.length === 0
      ? []
      : [{ code: "ENV_NAME_MISSING", severity: "warning" as const, summary: `in no env file: ${missing.join(", ")}` }]),
    ...facts.env
      .filter(({ lines }) => lines > 1)
      .map(({ name, file }) => ({
        code: "ENV_NAME_DOUBLED",
        severity: "red" as const,
        summary: `${name} stands more than once in ${file}`,
      })),
    ...facts.env
      .filter(({ lines, plain }) => lines === 1 && plain === 0)
      .map(({ name, file }) => ({
        code: "ENV_LINE_AMBIGUOUS",
        severity: "red" as const,
        summary: `${name} in ${file} is empty or would be read differently by different programs`,
      })),
    ...facts.env
      .filter(({ withEquals }) => withEquals > 0)
      .map(({ name, file }) => ({
        code: "ENV_VALUE_HAS_EQUALS",
        severity: "warning" as const,
        summary: `the value of ${name} in ${file} holds "=": tools that read it with cut -d= -f2 get a part of it`,
      })),
  ];
}

function execution(facts: HostFacts): readonly SurveyFinding[] {
  const latch = facts.paths.get(hostLayout.latch);
  return [
    ...(latch !== undefined && latch.kind !== "absent"
      ? [{ code: "EXECUTION_DISABLED", severity: "note" as const, summary: `${hostLayout.latch} is there: nothing can be armed or go on` }]
      : []),
    ...facts.armed.map((runId) => ({ code: "EXECUTION_ARMED", severity: "red" as const, summary: `a token is armed for run ${runId}` })),
    ...facts.live.map((runId) => ({ code: "EXECUTION_LIVE", severity: "red" as const, summary: `run ${runId} holds a live token` })),
  ];
}

function surroundings(facts: HostFacts, { valid }: ArchivedRulings): readonly SurveyFinding[] {
  const config = readSurveyedConfig(facts);
  const container = config?.postgres_access.kind === "docker" ? config.postgres_access.container : "postgres";
  const found = facts.containers.find(({ name }) => name === container);
  const architect = facts.paths.get(`${hostLayout.keys}/architect.asc`);
  return [
    ...(config?.postgres_access.kind === "client" || found?.state === "running"
      ? []
      : [{ code: "POSTGRES_NOT_RUNNING", severity: "red" as const, summary: `no running container ${container}` }]),
    ...(facts.database === null
      ? [
          {
            code: "DATABASE_UNREACHABLE",
            severity: "warning" as const,
            summary: `the database could not be asked: ${facts.databaseProblem ?? "unknown"}`,
          },
        ]
      : []),
    ...(facts.database?.in_recovery === true
      ? [{ code: "DATABASE_STANDBY", severity: "red" as const, summary: "the database is a standby" }]
      : []),
    ...facts.contractDifferences.map(({ object, expected, found }) => ({
      code: "CONTRACT_MISMATCH",
      severity: "warning" as const,
      summary: `${object}: expected ${expected}, found ${found}`,
    })),
    ...(config !== null && facts.grantMatrixSha !== null && facts.grantMatrixSha !== config.expected_grant_matrix_sha
      ? [
          {
            code: "GRANT_MATRIX_MISMATCH",
            severity: "warning" as const,
            summary:
              `the effective grant matrix has sha256 ${facts.grantMatrixSha}, expected is ${config.expected_grant_matrix_sha}; ` +
              "cutter grants prints it",
          },
        ]
      : []),
    ...(facts.diskFreeMib !== null && facts.diskFreeMib < diskFreeMibMin
      ? [
          {
            code: "DISK_SPACE_LOW",
            severity: "red" as const,
            summary: `${facts.diskFreeMib} MiB free below /var/lib, a backup wants ${diskFreeMibMin}`,
          },
        ]
      : []),
    ...(config !== null && (architect === undefined || architect.kind === "absent")
      ? [{ code: "ONE_HUMAN_SIGNER", severity: "note" as const, summary: "no architect key is pinned: one human signer" }]
      : []),
    ...(config !== null && valid.length === 0
      ? [
          {
            code: "RUNBOOK_UNRATIFIED",
            severity: "note" as const,
            summary: "rollback_runbook.sql is UNRATIFIED until a ruling names its sha256",
          },
        ]
      : []),
  ];
}
