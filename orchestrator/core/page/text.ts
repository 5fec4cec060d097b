// A page as plain text for a terminal or a file: no colour, no escape, columns where they fit. Pure.
import { toVisible, type Banner, type Block, type Page } from "./page.ts";

export function renderText(page: Page): string {
  const sections = page.sections.flatMap(({ title, blocks }) => [
    "",
    toVisible(title),
    "-".repeat(Math.min(title.length, ruleWidthMax)),
    ...blocks.flatMap(renderBlock),
  ]);
  const banner = page.banner === undefined ? [] : [...renderBanner(page.banner), ""];
  return [...banner, toVisible(page.title), toVisible(page.subtitle), ...sections].join("\n") + "\n";
}

/** Between two heavy rules: a terminal's colour would be an escape in a file. */
function renderBanner({ headline, lines }: Banner): readonly string[] {
  const rule = "=".repeat(ruleWidthMax);
  return [rule, toVisible(headline), ...lines.map(toVisible), rule];
}

const ruleWidthMax = 78;
const columnWidthMax = 44;

function renderBlock(block: Block): readonly string[] {
  switch (block.kind) {
    case "paragraph":
      return [toVisible(block.text)];
    case "list":
      return block.items.map((item) => `  - ${toVisible(item)}`);
    case "commands":
      return block.lines.map((line) => `    ${toVisible(line)}`);
    case "table":
      return renderTable(block.head, block.rows);
  }
}

/** Every column but the last is padded to its widest cell, up to a limit: what is longer pushes its own line, not the table. */
function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const shown = [head, ...rows].map((cells) => cells.map(toVisible));
  const widths = head.map((_, column) => Math.min(columnWidthMax, Math.max(...shown.map((cells) => (cells[column] ?? "").length))));
  return shown.map(
    (cells) =>
      `  ${cells
        .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join("  ")
        .trimEnd()}`,
  );
}
