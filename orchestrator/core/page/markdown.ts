// A page as Markdown. Pure.
import { toFence } from "./fence.ts";
import { toVisible, type Block, type Page } from "./page.ts";

export function renderMarkdown(page: Page): string {
  const sections = page.sections.flatMap(({ title, blocks }) => [`## ${escape(title)}`, ...blocks.map(renderBlock)]);
  return [`# ${escape(page.title)}`, escape(page.subtitle), ...sections].join("\n\n") + "\n";
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return escape(block.text);
    case "list":
      return block.items.map((item) => `- ${escape(item)}`).join("\n");
    case "commands":
      return toFence(block.lines.map(toVisible).join("\n"), "sh").join("\n");
    case "table":
      return [row(block.head), row(block.head.map(() => "---")), ...block.rows.map((cells) => row(cells.map(escape)))].join("\n");
  }
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** What a value from outside could open in Markdown is shown as itself. */
function escape(text: string): string {
  return toVisible(text).replaceAll(/[\\`*[\]<>|]/g, (character) => `\\${character}`);
}
