// Generated Markdown that hits the hard constructs: containers, lazy lines, fences, HTML, definitions, tabs, every line ending.
import * as fc from "fast-check";

const leaves = [
  "",
  "text",
  "# one",
  "## two ##",
  "### Điều 3. “đ” 🚀",
  "#",
  "#\t\ttab title",
  "####### seven",
  "#no",
  "\\# no",
  "###### \\## #",
  "===",
  "=",
  "---",
  "--",
  "- - -",
  "***",
  "_ _ _",
  "```",
  "~~~",
  "``` js",
  "~~~~",
  "`` ` ``",
  "<div>",
  "</div>",
  "<!-- open",
  "-->",
  "<pre>",
  "</pre>",
  "<a>",
  "<a b='c'>",
  "</b >",
  "<?php",
  "?>",
  "<!X",
  "<![CDATA[",
  "]]>",
  "<https://a.b>",
  "[a]: /url",
  "[a]: /url 'title'",
  '[a]: /url "open',
  'close"',
  "[a]:",
  "[b]: <c d> (e)",
  "[a\\]]: x",
  "[ ]: x",
  "[a] text",
  "| a | b |",
  "e\u0301 NFD",
  "a  ",
  "&amp;",
  "**bold",
  "\u0000",
  "tail \\",
] as const;
const bullets = ["- ", "* ", "+ ", "1. "] as const;
const hostileMarkers = ["-", "2. ", "10) ", "-     ", "- - ", "1.\t", "-\t", ">\t", "123456789. ", "1234567890. "] as const;
const quotes = ["> ", ">"] as const;
const indents = ["", "", "", "", " ", "  ", "   ", "    ", "      ", "\t"] as const;
const endings = ["\n", "\n", "\n", "\n\n", "\r\n", "\r"] as const;

// A document draws its lines from a few prefixes and a few leaves of its own: so lines belong together, and structures live longer than a
// line.
function lines(markers: readonly string[], leafTexts: readonly string[], indentTexts: readonly string[]): fc.Arbitrary<string> {
  const marker = fc.tuple(fc.constantFrom(...indentTexts), fc.constantFrom(...markers)).map((parts) => parts.join(""));
  const prefix = fc.oneof(
    fc.array(marker, { maxLength: 3 }).map((parts) => parts.join("")),
    fc.constantFrom("", "  ", "   ", "    "),
  );
  const few = fc.tuple(
    fc.array(prefix, { minLength: 1, maxLength: 3 }),
    fc.array(fc.constantFrom(...leafTexts), { minLength: 1, maxLength: 4 }),
  );
  const body = few.chain(([prefixes, leavesHere]) => {
    const line = fc.tuple(
      fc.constantFrom(...prefixes),
      fc.constantFrom(...indentTexts),
      fc.constantFrom(...leavesHere, "# x"),
      fc.constantFrom(...endings),
    );
    return fc
      .array(
        line.map((parts) => parts.join("")),
        { minLength: 1, maxLength: 12 },
      )
      .map((parts) => parts.join(""));
  });
  return fc
    .tuple(fc.constantFrom("", "", "", "\ufeff"), body, fc.boolean())
    .map(([bom, text, keepsFinalEnding]) => bom + (keepsFinalEnding ? text : text.replace(/[\r\n]+$/, "")));
}

/** Everything. */
export const anyMarkdown = lines([...bullets, ...quotes, ...hostileMarkers], leaves, indents);

/**
 * No containers, but what commonmark reads otherwise than the specification: tabs in definitions, odd spaces behind tags. For micromark,
 * which carries its "interrupts a paragraph" state across lazy lines and into containers; see the named cases in
 * agreement.test.ts.
 */
export const flatMarkdown = lines(
  [""],
  [
    ...leaves,
    "[a]:\t/url",
    "[a]: /url\t'title'\t",
    '[a]: /url "title" ',
    "<a b='c'>\u00a0",
    "<b>\t",
    "\u00a0",
    "\f",
    "# \u00a0",
    "===\t",
    "```\t",
    "#\u00a0no",
  ],
  indents,
);

/** Plain text that holds no heading, for bodies of sections. */
export const bodyText = fc
  .array(fc.constantFrom("text", "đoạn văn", "a | b", "```\n# fenced\n```", "- item", "> # quoted", "e\u0301", "    # code", "1. x"), {
    maxLength: 4,
  })
  .map((parts) => parts.map((part) => `${part}\n\n`).join(""));
