// One survey in the form somebody asked for. Both surveys, the operator's and the host's, print through this.
import { renderHtml } from "../page/html.ts";
import { renderMarkdown } from "../page/markdown.ts";
import { toSurveyPage } from "./report.ts";
import { renderSurveyText } from "./text.ts";
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
      return renderMarkdown(toSurveyPage(survey));
    case "html":
      return renderHtml(toSurveyPage(survey));
  }
}
