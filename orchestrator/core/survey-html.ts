// The survey's report as one self-contained HTML page: no script, no request to anywhere, readable on a phone and in print. Pure.
import type { Block, Report } from "./survey-report.ts";

export function renderSurveyHtml(report: Report): string {
  const sections = report.sections.map(({ title, blocks }, index) => `<section aria-labelledby="s${index}">\n<h2 id="s${index}">${escape(title)}</h2>\n${blocks.map(renderBlock).join("\n")}\n</section>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(report.title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escape(report.title)}</h1>
<p>${escape(report.subtitle)}</p>
${sections.join("\n")}
</main>
</body>
</html>
`;
}

const style = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #888; padding: .3rem .5rem; text-align: left; vertical-align: top; }
/* "anywhere" would let a narrow column break "10" in two; long digests still may break */
th, td { overflow-wrap: break-word; min-width: 2rem; }
.closed { font-weight: 600; } .open { font-weight: 600; text-decoration: underline; }
`;

function renderBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return `<p>${escape(block.text)}</p>`;
    case "list":
      return `<ul>\n${block.items.map((item) => `<li>${escape(item)}</li>`).join("\n")}\n</ul>`;
    case "table":
      return `<div class="scroll" tabindex="0" role="region" aria-label="${escape(block.head.join(", "))}"><table>\n<thead><tr>${block.head.map((cell) => `<th scope="col">${escape(cell)}</th>`).join("")}</tr></thead>\n<tbody>\n${block.rows.map(renderRow).join("\n")}\n</tbody>\n</table></div>`;
  }
}

function renderRow(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td${cell === "open" || cell === "closed" ? ` class="${cell}"` : ""}>${escape(cell)}</td>`).join("")}</tr>`;
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
