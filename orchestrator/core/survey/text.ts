// The survey for a terminal: the gaps with their evidence, what else was noticed, one closing line. Pure.
import type { SurveyFinding } from "./findings.ts";
import type { Survey } from "./survey.ts";

/** Lines without colour; `[OK]`, `[WARN]`, `[ERR]`, `[INFO]` begin them, as the host's other tools do. */
export function renderSurveyText(survey: Survey): string {
  return [
    `[INFO] survey of ${survey.host.name}, machine ${survey.host.machine_identity.slice(0, 12)}, ${survey.taken_at}; nothing ` +
      "is enabled, nothing is changed",
    ...survey.gaps.flatMap((gap) => [
      `${gap.state === "closed" ? "[OK]  " : "[WARN]"} ${gap.id} ${gap.state.padEnd(6)} ${gap.summary}`,
      ...gap.evidence.slice(0, evidenceLinesMax).map((line) => `         ${line}`),
      ...toMore(gap.evidence.length),
    ]),
    ...survey.findings.map(({ code, severity, summary }) => `${severityLabels[severity]} ${code}: ${summary}`),
    `[INFO] execution is ${survey.execution.enabled ? "LIVE" : survey.execution.state}; database substrate: ${survey.result.db_substrate}`,
    toClosingLine(survey),
    "",
  ].join("\n");
}

/** As bad as the worst that stands above it. */
export function toClosingLine({ gaps, findings, result }: Survey): string {
  const open = gaps.filter(({ state }) => state === "open").map(({ id }) => id);
  const of = (severity: SurveyFinding["severity"]): readonly string[] =>
    findings.filter((found) => found.severity === severity).map(({ code }) => code);
  const [red, warnings] = [of("red"), of("warning")];
  const label = red.length > 0 ? "[ERR] " : open.length > 0 || warnings.length > 0 ? "[WARN]" : "[OK]  ";
  return [
    `${label} ${result.summary}`,
    ...(open.length === 0 ? [] : [`open: ${open.join(", ")}`]),
    ...(red.length === 0 ? [] : [`findings that need a person: ${[...new Set(red)].join(", ")}`]),
    ...(warnings.length === 0 ? [] : [`warnings: ${[...new Set(warnings)].join(", ")}`]),
    `ready for a live run: ${result.ready_for_live ? "yes" : "no"}`,
  ].join("; ");
}

const evidenceLinesMax = 12;
const severityLabels = { red: "[ERR] ", warning: "[WARN]", note: "[INFO]" } as const;

function toMore(lines: number): readonly string[] {
  return lines > evidenceLinesMax ? [`         … ${lines - evidenceLinesMax} more; --json shows all`] : [];
}
