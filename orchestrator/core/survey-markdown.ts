// The survey's report as Markdown. Pure.
import type { Block, Report } from "./survey-report.ts";

export function renderSurveyMarkdown(report: Report): string {
  const sections = report.sections.flatMap(({ title, blocks }) => [`## ${title}`, ...blocks.map(renderBlock)]);
  return [`# ${report.title}`, escape(report.subtitle), ...sections].join("\n\n") + "\n";
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return escape(block.text);
    case "list":
      return block.items.map((item) => `- ${escape(item)}`).join("\n");
    case "table":
      return [row(block.head), row(block.head.map(() => "---")), ...block.rows.map((cells) => row(cells.map(escape)))].join("\n");
  }
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** What a value from the host could open in Markdown is shown as itself. */
function escape(text: string): string {
  return text.replaceAll(/[\\`*[\]<>|]/g, (character) => `\\${character}`);
}
