// One survey in the form somebody asked for. Both surveys, the operator's and the host's, print through this.
import { toReport } from "./survey-report.ts";
import { renderSurveyHtml } from "./survey-html.ts";
import { renderSurveyMarkdown } from "./survey-markdown.ts";
import { renderSurveyText } from "./survey-text.ts";
import type { Survey } from "./survey.ts";

export type SurveyForm = "text" | "json" | "markdown" | "html";

/** Ends with a newline. JSON is the survey itself, schema cutter.survey/1. */
export function renderSurvey(survey: Survey, form: SurveyForm): string {
  switch (form) {
    case "text":
      return renderSurveyText(survey);
    case "json":
      return `${JSON.stringify(survey, null, 2)}\n`;
    case "markdown":
      return renderSurveyMarkdown(toReport(survey));
    case "html":
      return renderSurveyHtml(toReport(survey));
  }
}
