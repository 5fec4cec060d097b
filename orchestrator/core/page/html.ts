// A page as one self-contained HTML file: no script, no request to anywhere, light and dark, readable on a phone and in print. Pure.
import { toVisible, type Banner, type Block, type Page } from "./page.ts";

export function renderHtml(page: Page): string {
  const sections = page.sections.map(
    ({ title, blocks }, index) =>
      `<section aria-labelledby="s${index}">\n<h2 id="s${index}">${escape(title)}</h2>\n${blocks.map(renderBlock).join("\n")}\n</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(page.title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${page.banner === undefined ? "" : `${renderBanner(page.banner)}\n`}<h1>${escape(page.title)}</h1>
<p class="about">${escape(page.subtitle)}</p>
${sections.join("\n")}
</main>
</body>
</html>
`;
}

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #c5ccd4; --shade: #f3f5f7; --good: #14653b; --bad: #a3190f; --soft: #525c66; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #14171b; --line: #3b434c; --shade: #1d2228; --good: #6fd39b; --bad: #ff9a90; --soft: #a3adb8; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: var(--ink); background: var(--paper); }
main { max-width: 62rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
/* what a document brings along must not turn the order of its neighbours around */
h1, h2, p, li, td, th, code { unicode-bidi: isolate; }
.about { color: var(--soft); }
/* in print and without colours the heavy border still says which it is: bad is double */
.banner { border: 3px solid var(--soft); padding: .5rem .75rem; margin: 0 0 1rem; color: var(--ink); } .banner p { margin: .2rem 0; }
.headline { font-size: 1.2rem; font-weight: 700; } .banner.good, .banner.bad { color: var(--ink); font-weight: 400; }
.banner.good { border-color: var(--good); } .banner.good .headline { color: var(--good); }
.banner.bad { border: 6px double var(--bad); background: var(--shade); } .banner.bad .headline { color: var(--bad); }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top; }
/* "anywhere" would let a narrow column break "10" in two; long digests still may break */
th, td { overflow-wrap: break-word; min-width: 2rem; } td { max-width: 26rem; } td.long { overflow-wrap: anywhere; min-width: 9rem; }
th { background: var(--shade); }
pre { background: var(--shade); border: 1px solid var(--line); padding: .5rem .75rem; margin: .75rem 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .875rem; }
.good, .closed { font-weight: 600; color: var(--good); } .bad, .open { font-weight: 600; color: var(--bad); } .open { text-decoration: underline; }
@media (max-width: 40rem) { body { font-size: 15px; } main { padding: .75rem; } th, td { padding: .25rem .375rem; } }
@media print {
  :root { color-scheme: light; --ink: #000; --paper: #fff; --line: #999; --shade: #fff; --good: #000; --bad: #000; --soft: #333; }
  /* the paper is the reader's choice; loose sheets are put in order by their numbers */
  @page { margin: 15mm 14mm 17mm; @bottom-right { content: counter(page) " of " counter(pages); font: 8pt system-ui, sans-serif; } }
  body { font-size: 9.5pt; line-height: 1.4; orphans: 3; widows: 3; } h1 { font-size: 15pt; } h2 { font-size: 12pt; margin: 5mm 0 1.5mm; padding-top: 2mm; }
  main { max-width: none; padding: 0; } .scroll { overflow: visible; margin: 2mm 0; }
  table { font-size: 8pt; line-height: 1.3; } th, td { padding: .8mm 1.2mm; min-width: 0; } td { max-width: none; } td.long { min-width: 30mm; } pre { font-size: 8pt; padding: 1mm 2mm; }
  tr, pre, li { break-inside: avoid; } h2, .about { break-after: avoid; } thead { display: table-header-group; }
}
`;

function renderBanner({ tone, headline, lines: said }: Banner): string {
  const [head, ...rest] = [headline, ...said].map(escape);
  const lines = rest.map((line) => `<p>${line}</p>`).join("\n");
  return `<div class="banner ${tone}" role="status">\n<p class="headline">${head ?? ""}</p>\n${lines}\n</div>`;
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return `<p${toBadgeClass(block.text)}>${escape(block.text)}</p>`;
    case "list":
      return `<ul>\n${block.items.map((item) => `<li${toBadgeClass(item)}>${escape(item)}</li>`).join("\n")}\n</ul>`;
    case "commands":
      return `<pre tabindex="0"><code>${block.lines.map(escape).join("\n")}</code></pre>`;
    case "table":
      return (
        `<div class="scroll" tabindex="0" role="region" ` +
        `aria-label="${escape(block.head.join(", "))}"><table>\n<thead><tr>${block.head.map((cell) => `<th scope="col">${escape(cell)}</th>`).join("")}</tr></thead>\n<tbody>\n${block.rows.map(renderRow).join("\n")}\n</tbody>\n</table></div>`
      );
  }
}

function renderRow(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td${toBadgeClass(cell)}>${escape(cell)}</td>`).join("")}</tr>`;
}

const badgeClasses: ReadonlyMap<string, string> = new Map([
  ["open", "open"],
  ["closed", "closed"],
  ["pass", "good"],
  ["equal", "good"],
  ["fail", "bad"],
  ["inconclusive", "bad"],
  ["DIFFERENT", "bad"],
  ["MISSING", "bad"],
  ["one human signer", "bad"],
]);

/** A word that no column should be as wide as: a digest, a long path. */
const longWord = /\S{30}/;

/** A class by the whole text, never by a part of it: what a document says must not colour itself. */
function toBadgeClass(text: string): string {
  const badgeClass = badgeClasses.get(text) ?? (longWord.test(text) ? "long" : undefined);
  return badgeClass === undefined ? "" : ` class="${badgeClass}"`;
}

function escape(text: string): string {
  return toVisible(text).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
