// The seed's report, section by section, from the survey: as a page. Pure.
import { paragraph, type Block, type Page } from "../page/page.ts";
import type { Survey } from "./survey.ts";

/** Seven sections, numbered as in the programme's own survey, which this report repeats. */
export function toSurveyPage(survey: Survey): Page {
  return {
    title: "Production Execution Readiness Survey",
    subtitle:
      `Host ${survey.host.name} (machine ${survey.host.machine_identity}) · taken ${survey.taken_at} · survey only: nothing ` +
      "enabled, nothing mutated",
    sections: [
      { title: "1. What “enabling execution” means", blocks: enabling(survey) },
      { title: "2. Which phases mutate production", blocks: phases(survey) },
      { title: "3. Which approvals are required", blocks: approvals(survey) },
      { title: "4. Roles, secrets and config needed", blocks: needs(survey) },
      { title: "5. Rollback and disable path that exists today", blocks: rollback(survey) },
      { title: "6. Readiness gap list (exact)", blocks: gaps(survey) },
      { title: "7. Result", blocks: result(survey) },
    ],
  };
}

const yesNo = (value: boolean): string => (value ? "yes" : "no");

function enabling({ execution }: Survey): readonly Block[] {
  return [
    paragraph(
      `Live mode is structurally unreachable while the kill switch is off: ${execution.kill_switch}, and any --mode live ` +
        "invocation raises ProductionExecutionNotAuthorized before a single phase runs.",
    ),
    paragraph(
      "Enabling execution is the deliberate, reviewed flip of that switch for one scoped run, re-disabled afterwards. It is " +
        "the single most consequential action of the programme.",
    ),
    paragraph(`State now: ${execution.state}${execution.run_id === null ? "" : ` (run ${execution.run_id})`}.`),
  ];
}

function phases(survey: Survey): readonly Block[] {
  const mutating = survey.phases.filter(({ mutates }) => mutates !== "no");
  return [
    {
      kind: "table",
      head: ["#", "Phase", "Mutates production?", "Target"],
      rows: survey.phases.map(({ number, name, mutates, target }) => [String(number), name, mutates, target]),
    },
    paragraph(
      "Besides, SG_1 and SG_2 each create one new cutter_governance.review_decision row (a fresh sovereign-issued UUID per " +
        "document and phase, never collapsed).",
    ),
    paragraph(
      `${survey.phases.length - mutating.length} of ${survey.phases.length} phases are non-mutating. The mutation surface is ` +
        `phases ${mutating.map(({ number }) => number).join(", ")} plus the two review_decision rows.`,
    ),
  ];
}

function approvals({
  approvals: { layer_1_kill_switch, layer_2_sovereign_gates, layer_3_internal_gates, force_option },
}: Survey): readonly Block[] {
  return [
    paragraph("Three layers, all required before any live mutation:"),
    {
      kind: "table",
      head: ["Layer", "What", "Authority or rule"],
      rows: [
        ["1 kill switch", layer_1_kill_switch.what, layer_1_kill_switch.authority],
        ...Object.entries(layer_2_sovereign_gates).map(([gate, rule]) => [`2 ${gate}`, rule, "sovereign"]),
        ["3 internal gates", `${layer_3_internal_gates.count} gates, one after each phase`, layer_3_internal_gates.rule],
      ],
    },
    paragraph(`--force: ${force_option}.`),
  ];
}

function needs(survey: Survey): readonly Block[] {
  return [
    paragraph("4.1 Postgres roles"),
    {
      kind: "table",
      head: ["Role", "Login", "Super", "Purpose", "Status"],
      rows: survey.roles.map(({ name, login, superuser, purpose, present }) => [
        name,
        yesNo(login),
        yesNo(superuser),
        purpose,
        present === null ? "not asked" : present ? "present" : "MISSING",
      ]),
    },
    paragraph("4.2 Secrets: env files on the host; names only, values never leave it"),
    {
      kind: "table",
      head: ["Name on the host", "Design name", "Status"],
      rows: survey.secrets.map(({ name, design_name, present, files }) => [
        name,
        design_name,
        present ? `present in ${files.join(", ")}` : "MISSING",
      ]),
    },
    paragraph("4.3 Config keys"),
    { kind: "table", head: ["Key", "Value on the host"], rows: survey.config.map(({ key, value }) => [key, value ?? "not provisioned"]) },
  ];
}

function rollback({ rollback: path }: Survey): readonly Block[] {
  return [
    {
      kind: "list",
      items: [
        `Primary disable: ${path.disable}`,
        `Per-document backup: ${path.backup}`,
        `Emergency revert: a separate sovereign macro; ${path.runbook}`,
        `Idempotency: ${path.idempotency_layers} layers; ${path.void}`,
      ],
    },
  ];
}

function gaps(survey: Survey): readonly Block[] {
  return [
    { kind: "table", head: ["Gap", "State", "What"], rows: survey.gaps.map(({ id, state, summary }) => [id, state, summary]) },
    ...survey.gaps.flatMap((gap): readonly Block[] => [
      paragraph(`${gap.id} is ${gap.state}. Evidence:`),
      { kind: "list", items: gap.evidence },
    ]),
    ...(survey.findings.length === 0
      ? []
      : [
          paragraph("Noticed besides:"),
          {
            kind: "table" as const,
            head: ["Code", "Severity", "What"],
            rows: survey.findings.map(({ code, severity, summary }) => [code, severity, summary]),
          },
        ]),
  ];
}

function result({ result: verdict }: Survey): readonly Block[] {
  return [
    paragraph(verdict.summary),
    {
      kind: "table",
      head: ["Part", "State"],
      rows: [
        ["db_substrate", verdict.db_substrate],
        ["code_substrate", verdict.code_substrate],
        ["config_secrets", verdict.config_secrets],
        ["enable_policy", verdict.enable_policy],
        ["rollback", verdict.rollback],
        ["ready for a dry run", yesNo(verdict.ready_for_dry_run)],
        ["ready for a live run", yesNo(verdict.ready_for_live)],
      ],
    },
  ];
}
