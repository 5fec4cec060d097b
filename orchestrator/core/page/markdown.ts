// A page as Markdown. Pure.
import { type Block, type Page, toVisible } from "./page.ts";

export function renderMarkdown(page: Page): string {
  const sections = page.sections.flatMap(({ title, blocks }) => [`## ${escape(title)}`, ...blocks.map(renderBlock)]);
  const banner = page.banner === undefined ? [] : [`**${escape(page.banner.headline)}**`, ...page.banner.lines.map(escape)];
  return [`# ${escape(page.title)}`, ...banner, escape(page.subtitle), ...sections].join("\n\n") + "\n";
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

/** A fence longer than any run of backticks inside. */
export function toFence(content: string, language: string): readonly string[] {
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map((match) => match[0].length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}${language}`, content, fence];
}
