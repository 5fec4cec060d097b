// The survey for a terminal: the gaps with their evidence, what else was noticed, one closing line. Pure.
import type { Survey } from "./survey.ts";

/** Lines without colour; `[OK]`, `[WARN]`, `[ERR]`, `[INFO]` begin them, as the host's other tools do. */
export function renderSurveyText(survey: Survey): string {
  const closed = survey.gaps.filter(({ state }) => state === "closed");
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
    `[OK]   ${survey.result.summary}${
      closed.length === survey.gaps.length
        ? ""
        : `; open: ${survey.gaps
            .filter(({ state }) => state === "open")
            .map(({ id }) => id)
            .join(", ")}`
    }`,
    "",
  ].join("\n");
}

const evidenceLinesMax = 12;
const severityLabels = { red: "[ERR] ", warning: "[WARN]", note: "[INFO]" } as const;

function toMore(lines: number): readonly string[] {
  return lines > evidenceLinesMax ? [`         … ${lines - evidenceLinesMax} more; --json shows all`] : [];
}
